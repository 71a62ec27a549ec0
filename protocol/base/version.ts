/**
 * The version of the protocol between processes and hosts: control calls, flow files, signal links
 * and the wire.
 */

/** Processes of different versions refuse each other; the error names both versions. */
export const PROTOCOL_VERSION = 1;
