/** A logger that writes nothing, for components whose log no assertion reads. Used by tests. */
import { Logger } from '../../protocol/base/log.js';

export const silent = new Logger('test', { sink: () => undefined });
