/** A logger for components under test whose log no assertion reads. */
import { Logger } from '../../protocol/base/log.js';

export const silent = new Logger('test', { sink: () => undefined });
