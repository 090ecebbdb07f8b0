/** Who a client is, by its JSON Web Token (RFC 7519), checked as RFC 8725 advises. */
export { jwt, type JwtFault, type JwtTime, type JwtVerifier, type Verified } from "./jwt.js";
export type { TopicGrants } from "./claims.js";
export type { JwtAlgorithm } from "./algorithms.js";
export type { JwtOptions } from "./options.js";
