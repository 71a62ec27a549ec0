/**
 * The version of the calls between the processes of one host: the methods and what they mean.
 * Processes of different versions refuse each other; the error names both. Flow files, signal
 * links, the wire and the calls between hosts have versions of their own: docs/versions.md lists
 * all with the rule of each. Used by every server and by the library. A constant.
 */
export const PROTOCOL_VERSION = 2;
