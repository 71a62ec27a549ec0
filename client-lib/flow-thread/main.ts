/**
 * The entry of a flow thread, one worker per input flow: it waits on the signal link, copies from the flow file into the
 * history and acknowledges, whatever the main thread does meanwhile. It ends on `close`, and with the process.
 */
import { parentPort } from 'node:worker_threads';
import { systemClock } from '../../protocol/clock.js';
import { MirrorflowError } from '../../protocol/errors.js';
import type { LinkEnd } from '../../protocol/signal-link/link.js';
import { attachConsumer, type AttachTarget } from '../flow-reader-link.js';
import { MarkWatch } from '../flow-control.js';
import { MarkSender } from '../flow-control-sender.js';
import { CONTROL, ControlBlock, MAIN_WAITS } from '../history/control-block.js';
import { HistoryProducer } from '../history/producer.js';
import { checkHistoryMemory } from '../history/rules.js';
import { errorToWire, type EndOnWire, type FromThread, type ToThread } from './messages.js';
import { ReadingLoop } from './reading-loop.js';
import { flowThreadSettings } from './start.js';

const port = parentPort;
if (port === null) throw new Error('a flow thread is a worker of the client library, not a program');
const settings = flowThreadSettings();
const { rules, segments } = settings;
const control = ControlBlock.attach(settings.control);

const { flowControl } = settings;
const marks =
  flowControl === undefined ? undefined : new MarkSender(flowControl.socket, flowControl.identity);
const watch =
  flowControl === undefined
    ? undefined
    : new MarkWatch(flowControl.marks, (kind, mark, fill) =>
        marks?.send({ kind, mark, total: control.load(CONTROL.capacity), fill }),
      );

let delivery = settings.delivery;
let loop: ReadingLoop | undefined;
let producer: HistoryProducer | undefined;
let detached: LinkEnd | undefined;
let drained = false;
let finishing = settings.whenDetached === 'end';
let closed = false;

const tell = (message: FromThread): void => port.postMessage(message);

/** A flag says whether anybody waits: a busy main thread costs no message, a waiting one a single one. */
function wakeMain(): void {
  if (control.load(CONTROL.mainWaits) !== MAIN_WAITS.not) {
    const waits = control.exchange(CONTROL.mainWaits, MAIN_WAITS.not);
    if (waits === MAIN_WAITS.message) tell({ kind: 'ready' });
    else if (waits === MAIN_WAITS.futex) Atomics.notify(control.int32, CONTROL.mainWaits);
  }
}

let lostBefore = 0;
function tellLost(): void {
  if (producer === undefined || producer.lost === lostBefore) return;
  lostBefore = producer.lost;
  if (control.exchange(CONTROL.lostTold, 1) === 0) tell({ kind: 'lost' });
}

/** The main thread tells when the fill falls to the next XON; if it has fallen while that was asked for, this looks again. */
function lookAtFill(): void {
  if (watch === undefined || producer === undefined) return;
  do {
    watch.look(producer.filled);
    control.store(CONTROL.lookBelow, watch.nextXon + 1);
  } while (producer.filled <= watch.nextXon);
}

function endOnWire(end: LinkEnd): EndOnWire {
  return end.by === 'failure' ? { by: 'failure', error: errorToWire(end.error) } : { by: end.by };
}

function endIfDone(): void {
  if (!finishing || !drained || detached === undefined) return;
  control.store(CONTROL.ended, 1);
  wakeMain();
  tell({ kind: 'ended', end: endOnWire(detached) });
}

async function attach(call: number, opened: AttachTarget): Promise<void> {
  try {
    loop?.pause();
    const start = loop?.resumePoint ?? settings.start;
    const link = await attachConsumer(opened, { delivery, start });
    if (closed) {
      link.close();
      return;
    }
    const { payloadCapacity } = link.file.geometry;
    try {
      if (producer === undefined) {
        checkHistoryMemory(rules.whenFull === 'grow' ? rules.maxHistory : rules.history, payloadCapacity);
      } else checkFits(payloadCapacity, producer.payloadBytes);
      producer ??= new HistoryProducer(
        control,
        rules,
        payloadCapacity,
        (segment) => segments.postMessage(segment),
        (segment) => tell({ kind: 'withdrawn', segment }),
      );
    } catch (error) {
      link.close();
      throw error;
    }
    if (control.load(CONTROL.capacity) < rules.history && loop === undefined) {
      link.close();
      throw new MirrorflowError(
        'NO_SPACE',
        `the system gives no memory for ${rules.history} buffers of ${payloadCapacity} bytes`,
      );
    }
    detached = undefined;
    drained = false;
    tell({ kind: 'done', call, payloadCapacity });
    if (loop === undefined) {
      loop = new ReadingLoop(link, producer, hooks, systemClock, settings.spinUs);
      tell({ kind: 'state', state: loop.sourceState, generation: loop.sourceGeneration });
    } else {
      loop.replace(link);
    }
  } catch (error) {
    loop?.resume();
    tell({ kind: 'failed', call, error: errorToWire(error) });
  }
}

function checkFits(payloadCapacity: number, held: number): void {
  if (payloadCapacity <= held) return;
  throw new MirrorflowError(
    'TOO_LARGE',
    `the flow now has buffers of ${payloadCapacity} bytes and the history holds ${held}: open the flow anew`,
    { payloadCapacity, held },
  );
}

const hooks = {
  later: (action: () => void): void => void setImmediate(action),
  wake: (): void => {
    wakeMain();
    tellLost();
  },
  restarted: (epoch: number): void => tell({ kind: 'restarted', epoch }),
  state: (state: ReadingLoop['sourceState'], generation: number): void =>
    tell({ kind: 'state', state, generation }),
  held: (): boolean => control.load(CONTROL.held) === 1,
  ...(watch === undefined ? {} : { filled: lookAtFill }),
  demoted: (): void => {
    delivery = 'lossy';
    tell({ kind: 'demoted' });
  },
  detached: (end: LinkEnd): void => {
    detached = end;
    tell({ kind: 'detached', end: endOnWire(end) });
  },
  drained: (): void => {
    drained = true;
    endIfDone();
  },
};

port.on('message', (message: ToThread) => {
  switch (message.kind) {
    case 'room':
      loop?.room();
      break;
    case 'grow':
      grow(message.call, message.buffers);
      break;
    case 'shrink':
      producer?.shrink(message.buffers);
      break;
    case 'giveBack':
      producer?.giveBack();
      break;
    case 'hold':
      loop?.hold(message.held);
      break;
    case 'look':
      lookAtFill();
      break;
    case 'identify':
      marks?.identify(message.identity);
      break;
    case 'reattach':
      void attach(message.call, message.opened);
      break;
    case 'finish':
      finishing = true;
      endIfDone();
      break;
    case 'close':
      closed = true;
      loop?.close();
      void marks?.close();
      segments.close();
      port.close();
      break;
  }
});

function grow(call: number, buffers: number): void {
  try {
    if (producer === undefined) throw new MirrorflowError('CLOSED', 'the flow is not open yet');
    checkHistoryMemory(buffers, producer.payloadBytes);
    if (!producer.grow(buffers)) {
      throw new MirrorflowError('NO_SPACE', `the system gives no memory for a history of ${buffers} buffers`);
    }
    tell({ kind: 'done', call, payloadCapacity: producer.payloadBytes });
    loop?.room();
  } catch (error) {
    tell({ kind: 'failed', call, error: errorToWire(error) });
  }
}

void attach(0, settings.opened);
