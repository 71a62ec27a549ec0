/**
 * The version of all formats that processes and hosts exchange: control calls, flow files, signal
 * links (local sockets beside a flow file) and the wire between hosts. Processes of different
 * versions refuse each other; the error names both versions. Used by every server. A constant.
 */
export const PROTOCOL_VERSION = 1;
