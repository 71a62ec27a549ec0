/**
 * The log of the client library, for every room in it. Problems of a call are reported by errors
 * and events; the log gets warnings and errors only, on standard error.
 */
import { Logger } from '../protocol/base/log.js';

export const clientLog = new Logger('client', { level: 'warn' });
