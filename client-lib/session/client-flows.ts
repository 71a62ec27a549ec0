/**
 * The input and output flows of a client: opens each through the app server, attaches it, and
 * reattaches it when its duplicator was replaced. Used by Client. Calls the app server and, through
 * the flows, opens their files and links.
 */
import type { MirrorflowContract } from '../../protocol/rpc/contract/methods.js';
import type { OpenRequest, OpenedFlow } from '../../protocol/rpc/contract/shapes.js';
import { isMirrorflowError } from '../../protocol/base/errors.js';
import { checkName } from '../../protocol/base/names.js';
import { openFlowFile } from '../../protocol/flow/flow-file/open.js';
import type { CallOf } from '../../protocol/rpc/xml-rpc/contract.js';
import { clientLog } from '../client-log.js';
import { prepareFlowThread } from '../input/flow-thread/thread-pool.js';
import {
  endDetachedInputFlow,
  identifyInputFlow,
  openInputFlow,
  reattachInputFlow,
  type ControlPath,
  type InputFlow,
} from '../input/input-flow.js';
import type { InputFlowOptions } from '../input/input-options.js';
import {
  attachOutputFlow,
  closeOutputFlowWith,
  endDetachedOutputFlow,
  reattachOutputFlow,
  type OutputFlow,
} from '../output/output-flow.js';
import { checkOutputOptions, type OutputFlowOptions } from '../output/output-options.js';
import { TypedInputFlow, type ReadableType } from '../input/typed-input-flow.js';
import {
  TypedOutputFlow,
  untypedOutputOptions,
  type TypedOutputOptions,
} from '../output/typed-output-flow.js';
import type { Layer } from '../types/flow-type.js';
import { checkStack, stackIdentity } from '../types/stack.js';
import type { AttachedFlow, Openings } from './openings.js';

/** Checks an opened flow before it is attached; throws when its type is not the expected one. */
export type Accept = (opened: Pick<OpenedFlow, 'file'>) => void;

export class ClientFlows {
  readonly #openings: Openings;
  readonly #call: CallOf<MirrorflowContract>;
  readonly #control: () => ControlPath;
  readonly #inputs = new Set<InputFlow>();
  readonly #outputs = new Set<OutputFlow>();

  /** `control`: socket of the app server and token of the present session. */
  constructor(openings: Openings, call: CallOf<MirrorflowContract>, control: () => ControlPath) {
    this.#openings = openings;
    this.#call = call;
    this.#control = control;
  }

  async openInput(
    flow: string,
    options: InputFlowOptions,
    type: string | undefined,
    accept: Accept = () => undefined,
  ): Promise<InputFlow> {
    const request: OpenRequest = {
      flow: checkName('flow', flow),
      direction: 'input',
      ...(type === undefined ? {} : { type }),
    };
    if (options.inline !== true && options.thread !== 'own') prepareFlowThread();
    return this.#opening(request, accept, async (key, opened) => {
      const ofKind = { delivery: opened.image === undefined ? 'lossless' : 'lossy' } as const;
      const input = await openInputFlow(opened, { ...ofKind, ...options }, 'hold', this.#control());
      this.#inputs.add(input);
      this.#openings.attach(key, attachedInput(input));
      const notify = this.#openings.statusNotifier(request);
      const notifyState = (): void => notify(input.sourceState === 'live' ? 'live' : 'stale');
      input.on('state', notifyState);
      input.on('detached', () => {
        notify('stale');
        const reattach = async (target: OpenedFlow): Promise<void> => {
          accept(target); // another provider may have defined the flow again
          await reattachInputFlow(input, target);
        };
        void this.#openings.recover(key, request, reattach, {
          reattached: () => {
            notify('reattached');
            notifyState();
          },
          ended: () => endDetachedInputFlow(input),
        });
      });
      input.once('end', () => {
        notify('ended');
        this.#inputs.delete(input);
        void this.#openings.close(key);
      });
      return input;
    });
  }

  async openOutput(
    flow: string,
    options: OutputFlowOptions,
    accept: Accept = () => undefined,
  ): Promise<OutputFlow> {
    const { bufferSize, buffers, type, properties, signal } = checkOutputOptions(options);
    const request: OpenRequest = {
      flow: checkName('flow', flow),
      direction: 'output',
      bufferSize,
      buffers,
      type,
      properties,
      ...(signal === undefined ? {} : { signal }),
    };
    return this.#opening(request, accept, async (key, opened) => {
      const output = await attachOutputFlow(opened, options);
      this.#outputs.add(output);
      this.#openings.attach(key, attachedOutput(output));
      void this.#emitPresentMarks(output);
      const notify = this.#openings.statusNotifier(request);
      let released: Promise<void> = Promise.resolve();
      output.once('closed', () => {
        notify('ended');
        this.#outputs.delete(output);
        released = this.#openings.close(key);
      });
      closeOutputFlowWith(output, () => released);
      output.on('detached', () => {
        notify('stale');
        const reattach = async (target: OpenedFlow): Promise<void> => {
          accept(target);
          await reattachOutputFlow(output, target);
        };
        void this.#openings.recover(key, request, reattach, {
          reattached: () => {
            notify('reattached');
            notify('live');
          },
          ended: () => endDetachedOutputFlow(output),
        });
      });
      return output;
    });
  }

  /** Opens an input of a flow type. Throws WRONG_FLOW_TYPE when the flow is of another type. */
  async openTypedInput<Buffer extends Layer>(
    flow: string,
    options: InputFlowOptions,
    type: ReadableType<Buffer>,
  ): Promise<TypedInputFlow<Buffer>> {
    const accept: Accept = ({ file }) => checkStack(type, 'input', openFlowFile(file, 'read').identity);
    return new TypedInputFlow(type, await this.openInput(flow, options, stackIdentity(type).type, accept));
  }

  /** Opens an output of a flow type. Throws WRONG_FLOW_TYPE when the flow is open with another. */
  async openTypedOutput<Value, Place, Form>(
    flow: string,
    options: TypedOutputOptions<Value, Place, Form>,
  ): Promise<TypedOutputFlow<Value, Place, Form>> {
    const { type } = options;
    const accept: Accept = ({ file }) => checkStack(type, 'output', openFlowFile(file, 'read').identity);
    try {
      const output = await this.openOutput(flow, untypedOutputOptions(options), accept);
      return new TypedOutputFlow(type, output);
    } catch (error) {
      // An open flow keeps its definition; if its type differs, WRONG_FLOW_TYPE is the better
      // error.
      if (isMirrorflowError(error, 'REFUSED') || isMirrorflowError(error, 'FLOW_BUSY')) {
        const existing = await this.#call('flow.inquire', [flow]).catch(() => undefined);
        if (existing?.file !== undefined) accept({ file: existing.file });
      }
      throw error;
    }
  }

  /** The outputs of a flow that this client has open. */
  outputs(name: string | undefined): OutputFlow[] {
    return [...this.#outputs].filter(({ flow }) => flow === name);
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#inputs, ...this.#outputs].map((flow) => flow.close()));
  }

  /** Opens at the app server, then attaches; closes the opening when attaching fails. */
  #opening<Flow>(
    request: OpenRequest,
    accept: Accept,
    attach: (key: object, opened: OpenedFlow) => Promise<Flow>,
  ): Promise<Flow> {
    const key = {};
    return this.#openings.openAndAttach(key, request, async (opened) => {
      accept(opened);
      return attach(key, opened);
    });
  }

  /**
   * Emits the XOFF marks that consumers have sent before this provider came, like later ones, once
   * the caller had time to set its listener.
   */
  async #emitPresentMarks(output: OutputFlow): Promise<void> {
    try {
      const marks = await this.#call('flow.marks', [output.flow]);
      for (const { consumer, mark } of marks) output.emit('flowControl', { ...mark, consumer });
    } catch (error) {
      clientLog.debug('the flow-control marks of a flow could not be read', { flow: output.flow, error });
    }
  }
}

function attachedInput(input: InputFlow): AttachedFlow {
  return {
    counts: () => {
      const { taken, lost, ready, capacity, delivery, paused } = input;
      return { ...taken, lost, ready, capacity, delivery, paused };
    },
    identify: (identity) => identifyInputFlow(input, identity),
  };
}

function attachedOutput(output: OutputFlow): AttachedFlow {
  return {
    counts: () => ({ ...output.written, lost: output.lost, queued: output.queued }),
    identify: () => undefined,
  };
}
