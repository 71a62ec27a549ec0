/**
 * One input flow in its flow thread: it waits on the signal link, copies from the flow file into
 * the history and acknowledges, whatever the main thread does meanwhile. Ends on `close`; what the
 * main thread says to it comes by `hear`.
 */
import type { MessagePort } from 'node:worker_threads';
import { systemClock } from '../../../protocol/base/clock.js';
import { MirrorflowError } from '../../../protocol/base/errors.js';
import type { LinkEnd } from '../../../protocol/flow/signal-link/link.js';
import { attachConsumer, type AttachTarget } from '../consumer-link.js';
import { MarkWatch } from '../flow-control-marks.js';
import { MarkSender } from '../mark-sender.js';
import { CONTROL, ControlBlock, MAIN_WAITS } from '../history/control-block.js';
import { HistoryProducer } from '../history/producer.js';
import { checkHistoryMemory, resolveRules } from '../history/rules.js';
import {
  errorToWire,
  type EndOnWire,
  type FlowThreadSettings,
  type FromThread,
  type ToFlow,
} from './messages.js';
import { ReadingLoop, type ReadingHooks } from './reading-loop.js';

export class FlowInThread {
  readonly #port: MessagePort;
  readonly #settings: FlowThreadSettings;
  readonly #control: ControlBlock;
  readonly #marks: MarkSender | undefined;
  readonly #watch: MarkWatch | undefined;
  readonly #hooks: ReadingHooks;
  #delivery: FlowThreadSettings['delivery'];
  #loop: ReadingLoop | undefined;
  #producer: HistoryProducer | undefined;
  #detached: LinkEnd | undefined;
  #drained = false;
  #finishing: boolean;
  #closed = false;
  #lostBefore = 0;

  constructor(port: MessagePort, settings: FlowThreadSettings) {
    this.#port = port;
    this.#settings = settings;
    this.#control = ControlBlock.attach(settings.control);
    this.#delivery = settings.delivery;
    this.#finishing = settings.whenDetached === 'end';
    const { flowControl } = settings;
    if (flowControl !== undefined) {
      const marks = new MarkSender(flowControl.socket, flowControl.identity);
      this.#marks = marks;
      this.#watch = new MarkWatch(flowControl.marks, (kind, mark, fill) =>
        marks.send({ kind, mark, total: this.#control.load(CONTROL.capacity), fill }),
      );
    }
    this.#hooks = this.#makeHooks();
    void this.#attach(0, settings.opened);
  }

  hear(message: ToFlow): void {
    switch (message.kind) {
      case 'room':
        this.#loop?.room();
        break;
      case 'grow':
        this.#grow(message.call, message.buffers);
        break;
      case 'shrink':
        this.#producer?.shrink(message.buffers);
        break;
      case 'giveBack':
        this.#producer?.freeRetiredSegments();
        break;
      case 'hold':
        this.#loop?.hold(message.held);
        break;
      case 'look':
        this.#lookAtFill();
        break;
      case 'identify':
        this.#marks?.identify(message.identity);
        break;
      case 'reattach':
        void this.#attach(message.call, message.opened);
        break;
      case 'endDetached':
        this.#finishing = true;
        this.#endIfDone();
        break;
    }
  }

  /**
   * Resolves when nothing of it is left in this thread; it tells nothing from now on. Called once.
   */
  async close(): Promise<void> {
    this.#closed = true;
    this.#loop?.close();
    this.#settings.segments.close();
    await this.#marks?.close();
  }

  #makeHooks(): ReadingHooks {
    return {
      later: (action) => void setImmediate(action),
      wake: () => {
        this.#wakeMain();
        this.#tellLost();
      },
      restarted: (epoch) => this.#tell({ kind: 'restarted', epoch }),
      state: (state, generation) => this.#tell({ kind: 'state', state, generation }),
      held: () => this.#control.load(CONTROL.paused) === 1,
      ...(this.#watch === undefined ? {} : { filled: () => this.#lookAtFill() }),
      demoted: () => {
        this.#delivery = 'lossy';
        this.#tell({ kind: 'demoted' });
      },
      detached: (end) => {
        this.#detached = end;
        this.#tell({ kind: 'detached', end: endOnWire(end) });
      },
      drained: () => {
        this.#drained = true;
        this.#endIfDone();
      },
    };
  }

  #tell(message: FromThread): void {
    if (!this.#closed) this.#port.postMessage(message);
  }

  /**
   * A flag says whether anybody waits: a busy main thread costs no message, a waiting one a single
   * one.
   */
  #wakeMain(): void {
    const control = this.#control;
    if (control.load(CONTROL.mainWaits) !== MAIN_WAITS.not) {
      const waits = control.exchange(CONTROL.mainWaits, MAIN_WAITS.not);
      if (waits === MAIN_WAITS.message) this.#tell({ kind: 'ready' });
      else if (waits === MAIN_WAITS.futex) Atomics.notify(control.int32, CONTROL.mainWaits);
    }
  }

  #tellLost(): void {
    if (this.#producer === undefined || this.#producer.lost === this.#lostBefore) return;
    this.#lostBefore = this.#producer.lost;
    if (this.#control.exchange(CONTROL.lostReported, 1) === 0) this.#tell({ kind: 'lost' });
  }

  /**
   * The main thread tells when the fill falls to the next XON; if it has fallen while that was
   * asked for, this looks again.
   */
  #lookAtFill(): void {
    const watch = this.#watch;
    const producer = this.#producer;
    if (watch === undefined || producer === undefined) return;
    do {
      watch.update(producer.filled);
      this.#control.store(CONTROL.reportBelow, watch.nextXon + 1);
    } while (producer.filled <= watch.nextXon);
  }

  #endIfDone(): void {
    if (!this.#finishing || !this.#drained || this.#detached === undefined) return;
    this.#control.store(CONTROL.ended, 1);
    this.#wakeMain();
    this.#tell({ kind: 'ended', end: endOnWire(this.#detached) });
  }

  async #attach(call: number, opened: AttachTarget): Promise<void> {
    try {
      this.#loop?.pause();
      const start = this.#loop?.resumePoint ?? this.#settings.start;
      const link = await attachConsumer(opened, { delivery: this.#delivery, start });
      if (this.#closed) {
        link.close();
        return;
      }
      const { payloadCapacity } = link.file.geometry;
      const rules = resolveRules(this.#settings.rules, payloadCapacity);
      try {
        if (this.#producer === undefined) {
          checkHistoryMemory(rules.whenFull === 'grow' ? rules.maxHistory : rules.history, payloadCapacity);
        } else checkFits(payloadCapacity, this.#producer.payloadBytes);
        this.#producer ??= new HistoryProducer(
          this.#control,
          rules,
          payloadCapacity,
          (segment) => this.#settings.segments.postMessage(segment),
          (segment) => this.#tell({ kind: 'withdrawn', segment }),
        );
      } catch (error) {
        link.close();
        throw error;
      }
      if (this.#control.load(CONTROL.capacity) < rules.history && this.#loop === undefined) {
        link.close();
        throw new MirrorflowError(
          'NO_SPACE',
          `the system gives no memory for ${rules.history} buffers of ${payloadCapacity} bytes`,
        );
      }
      this.#detached = undefined;
      this.#drained = false;
      this.#tell({ kind: 'attached', call, epoch: link.reader.epoch });
      if (this.#loop === undefined) {
        this.#loop = new ReadingLoop(link, this.#producer, this.#hooks, systemClock, this.#settings.spinUs);
        this.#tell({ kind: 'state', state: this.#loop.sourceState, generation: this.#loop.sourceGeneration });
      } else {
        this.#loop.replace(link);
      }
    } catch (error) {
      this.#loop?.resume();
      this.#tell({ kind: 'failed', call, error: errorToWire(error) });
    }
  }

  #grow(call: number, buffers: number): void {
    try {
      if (this.#producer === undefined) throw new MirrorflowError('CLOSED', 'the flow is not open yet');
      checkHistoryMemory(buffers, this.#producer.payloadBytes);
      if (!this.#producer.grow(buffers)) {
        throw new MirrorflowError(
          'NO_SPACE',
          `the system gives no memory for a history of ${buffers} buffers`,
        );
      }
      this.#tell({ kind: 'done', call });
      this.#loop?.room();
    } catch (error) {
      this.#tell({ kind: 'failed', call, error: errorToWire(error) });
    }
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

function endOnWire(end: LinkEnd): EndOnWire {
  return end.by === 'failure' ? { by: 'failure', error: errorToWire(end.error) } : { by: end.by };
}
