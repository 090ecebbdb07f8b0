/** Colours of a terminal. */
export type Colour = "cyan" | "green" | "magenta" | "yellow" | "grey" | "red";

const CODES: Readonly<Record<Colour, number>> = { cyan: 36, green: 32, magenta: 35, yellow: 33, grey: 90, red: 31 };

export type Paint = (colour: Colour, text: string) => string;

export const inColour: Paint = (colour, text) => `\u001b[${CODES[colour]}m${text}\u001b[39m`;
export const colourless: Paint = (_colour, text) => text;
