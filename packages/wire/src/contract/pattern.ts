/** The names of the parameters of a pattern: `"id"` of `"room:{id}"`. */
export type ParamName<Pattern extends string> = Pattern extends `${string}{${infer Name}}${infer Rest}`
  ? Name | ParamName<Rest>
  : never;

/** The parameters that a topic's name was matched with. */
export type Params<Pattern extends string> = { readonly [Name in ParamName<Pattern>]: string };

/** The parameters that a topic's name is made of. */
export type ParamValues<Pattern extends string> = { readonly [Name in ParamName<Pattern>]: string | number };

/** What topics of a pattern are called: `room:${string}` for `"room:{id}"`. */
export type TopicName<Pattern extends string> = Pattern extends `${infer Before}{${string}}${infer After}`
  ? `${Before}${string}${TopicName<After>}`
  : Pattern;

/** A parameter in a pattern. */
export const PARAM: RegExp = /\{([^{}]*)\}/g;

/**
 * The topic of a pattern with these parameters: `topicName("room:{id}", { id: 42 })` is `"room:42"`.
 * A `:`, `/` or `%` in a value is written as `%3A`, `%2F` or `%25`, so that any value can be told from what stands around it.
 * @throws TypeError for a value that is missing or empty
 */
export function topicName<Pattern extends string>(pattern: Pattern, params: ParamValues<Pattern>): TopicName<Pattern> {
  const values: Readonly<Record<string, string | number>> = params;
  return pattern.replace(PARAM, (_, name: string) => {
    const value = String((Object.hasOwn(values, name) ? values[name] : undefined) ?? "");
    if (value === "") throw new TypeError(`the topic ${pattern} needs a value for ${name}`);
    return value.replace(/[%:/]/g, encodeURIComponent);
  }) as TopicName<Pattern>;
}
