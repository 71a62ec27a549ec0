/**
 * The version of everything that processes and hosts exchange: control calls, flow files, signal
 * links and the wire between hosts. Processes of different versions refuse each other; the error
 * names both versions.
 */
export const PROTOCOL_VERSION = 1;
