/**
 * Options of an input flow, and their check before anything is opened. Used by `openInputFlow`.
 * Pure: no I/O.
 */
import type { ReadStart } from '../../protocol/flow/flow-file/ring-reader.js';
import type { Delivery } from '../../protocol/flow/signal-link/messages.js';
import { checkSignal } from '../link/link-choice.js';
import { LINK_SIGNALS, type LinkSignal } from '../../protocol/rpc/contract/option-members.js';
import { checkFlowControl, type FlowControlMarks } from './flow-control-marks.js';
import { checkOptionNames } from '../call-options.js';
import {
  badOption,
  checkHistoryOptions,
  type HistoryOptions,
  type HistoryRules,
} from './history/history-rules.js';

/** Longer spinning would delay the messages of the link too much. */
const SPIN_US_MAX = 100_000;
const DELIVERIES: readonly Delivery[] = ['lossless', 'lossy'];
const THREADS = ['shared', 'own'] as const;
const STARTS = ['oldest', 'newest', 'next'] as const;

/** Options of `client.openInput`. */
export interface InputFlowOptions extends HistoryOptions {
  /**
   * `lossless` holds back a provider that is too fast, `lossy` never does, and may lose buffers.
   * Default: `lossless`, of a mirror `lossy`, since its readers want the newest data.
   */
  readonly delivery?: Delivery;
  /**
   * The first buffer: the `oldest` (default) in the ring, the `newest`, the `next` that is
   * published, or a sequence of the present epoch.
   */
  readonly start?: ReadStart;
  /**
   * No thread and no copy: buffers are read in place, in this thread. The ring of the flow is the
   * history. Default false.
   */
  readonly inline?: boolean;
  /**
   * Messages to the provider when the fill of the history (its ready buffers) reaches marks. Sent
   * by the flow thread, also while the main thread is busy.
   */
  readonly flowControl?: FlowControlMarks;
  /**
   * Microseconds, 0 (default) to 100,000: poll the published word for so long before waiting for a
   * signal; costs a core. A flow with a flow thread has one of its own then.
   */
  readonly spinUs?: number;
  /**
   * The flow thread: the one that all flows of the program share (default), or its `own`, with
   * which a very fast flow runs beside others.
   */
  readonly thread?: 'shared' | 'own';
  /**
   * How this consumer and the duplicator exchange counts. `datagram`: over datagrams, for an inline
   * flow in the main thread whose provider has opened it with `signal: 'datagram'`, as the user of
   * the duplicator; else an error. `stream`: over a connection. Default: datagrams where they are
   * possible.
   */
  readonly signal?: LinkSignal;
}

/** Names of all options, for the check. */
export const INPUT_OPTIONS = [
  'history',
  'whenFull',
  'maxHistory',
  'watermarks',
  'delivery',
  'start',
  'inline',
  'flowControl',
  'spinUs',
  'thread',
  'signal',
] as const satisfies readonly (keyof InputFlowOptions)[];

export interface InputRules {
  readonly rules: HistoryRules;
  readonly delivery: Delivery;
  readonly start: ReadStart;
  readonly inline: boolean;
  readonly spinUs: number;
  readonly thread: 'shared' | 'own';
  readonly flowControl: FlowControlMarks | undefined;
  readonly signal: LinkSignal | undefined;
}

/** Throws BAD_OPTION with the value and what is allowed. */
export function checkInputOptions(options: InputFlowOptions): InputRules {
  checkOptionNames('openInput', options, INPUT_OPTIONS);
  const {
    delivery = 'lossless',
    start = 'oldest',
    inline = false,
    spinUs = 0,
    thread = 'shared',
    signal,
  } = options;
  const rules = checkHistoryOptions(options);
  if (!DELIVERIES.includes(delivery))
    throw badOption('delivery', delivery, `one of ${DELIVERIES.join(', ')}`);
  const isStart =
    typeof start === 'number' ? Number.isSafeInteger(start) && start >= 0 : STARTS.includes(start);
  if (!isStart) throw badOption('start', start, `one of ${STARTS.join(', ')}, or a sequence from 0`);
  if (typeof inline !== 'boolean') throw badOption('inline', inline, 'true or false');
  if (!(typeof spinUs === 'number' && spinUs >= 0 && spinUs <= SPIN_US_MAX)) {
    throw badOption('spinUs', spinUs, `microseconds from 0 to ${SPIN_US_MAX}`);
  }
  if (!THREADS.includes(thread)) throw badOption('thread', thread, `one of ${THREADS.join(', ')}`);
  if (signal !== undefined && !LINK_SIGNALS.includes(signal))
    throw badOption('signal', signal, `one of ${LINK_SIGNALS.join(', ')}`);
  if (signal === 'datagram' && !inline)
    throw badOption('signal', signal, 'stream for a flow with a flow thread: set inline to true');
  checkSignal(signal);
  if (inline) {
    // The ring is the provider's: these options could only be ignored.
    if (rules.whenFull !== 'block')
      throw badOption(
        'whenFull',
        rules.whenFull,
        'block for an inline flow, which has no history of its own',
      );
    for (const option of ['watermarks', 'flowControl', 'thread'] as const) {
      if (options[option] === undefined) continue;
      throw badOption(option, 'given', 'left out for an inline flow, which has neither thread nor history');
    }
  }
  const flowControl =
    options.flowControl === undefined ? undefined : checkFlowControl(options.flowControl, rules);
  return { rules, delivery, start, inline, spinUs, thread, flowControl, signal };
}
