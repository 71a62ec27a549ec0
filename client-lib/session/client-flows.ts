/**
 * The flows that a client has open: opened through the app server, attached, and attached again
 * when their duplicator was replaced.
 */
import type { MirrorflowContract } from '../../protocol/rpc/contract/methods.js';
import type { OpenRequest, OpenedFlow } from '../../protocol/rpc/contract/shapes.js';
import { checkName } from '../../protocol/base/names.js';
import type { CallOf } from '../../protocol/rpc/xml-rpc/contract.js';
import { prepareFlowThread } from '../input/flow-thread/start.js';
import { openInputFlow, type ControlPath, type InputFlow } from '../input/input-flow.js';
import type { InputFlowOptions } from '../input/input-options.js';
import { clientLog } from './locate.js';
import type { Openings, Reattachable } from './openings.js';
import { OutputFlow } from '../output/output-flow.js';
import { checkOutputOptions, type OutputFlowOptions } from '../output/output-options.js';

/** Looks at what was opened before it is attached to, and throws when it is not what was meant. */
export type Accept = (opened: Pick<OpenedFlow, 'file'>) => void;

export class ClientFlows {
  readonly #openings: Openings;
  readonly #call: CallOf<MirrorflowContract>;
  readonly #control: () => ControlPath;
  readonly #flows = new Set<InputFlow | OutputFlow>();

  /** `control`: the app server's socket and the present session there. */
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
    const key = {};
    if (options.inline !== true) prepareFlowThread();
    const opened = await this.#openings.open(key, request);
    try {
      accept(opened);
      const input = await openInputFlow(opened, options, 'hold', this.#control());
      this.#isOpen(key, input);
      // Whoever provides the flow by then may have defined it anew.
      const again: Reattachable = {
        reattach: async (found) => {
          accept(found);
          await input.reattach(found);
        },
      };
      const tell = this.#openings.teller(request);
      input.on('state', (state) => tell(state === 'live' ? 'live' : 'stale'));
      input.on('detached', () => {
        tell('stale');
        void this.#openings.recover(key, request, again, {
          reattached: () => {
            tell('reattached');
            tell(input.sourceState === 'live' ? 'live' : 'stale');
          },
          ended: () => input.finish(),
        });
      });
      input.once('end', () => {
        tell('ended');
        this.#flows.delete(input);
        void this.#openings.close(key);
      });
      return input;
    } catch (error) {
      await this.#openings.close(key);
      throw error;
    }
  }

  async openOutput(
    flow: string,
    options: OutputFlowOptions,
    accept: Accept = () => undefined,
  ): Promise<OutputFlow> {
    const { bufferSize, buffers } = checkOutputOptions(options);
    const request: OpenRequest = {
      flow: checkName('flow', flow),
      direction: 'output',
      bufferSize,
      buffers,
      type: options.type ?? 'bytes',
      properties: JSON.stringify(options.properties ?? {}),
    };
    const key = {};
    const opened = await this.#openings.open(key, request);
    try {
      accept(opened);
      const output = await OutputFlow.attach(opened, options);
      this.#isOpen(key, output);
      const tell = this.#openings.teller(request);
      output.once('closed', () => {
        tell('ended');
        this.#flows.delete(output);
        void this.#openings.close(key);
      });
      output.on('detached', () => {
        tell('stale');
        const again: Reattachable = {
          reattach: async (found) => {
            accept(found);
            await output.reattach(found);
          },
        };
        void this.#openings.recover(key, request, again, {
          reattached: () => {
            tell('reattached');
            tell('live');
          },
          ended: () => output.finish(),
        });
      });
      return output;
    } catch (error) {
      await this.#openings.close(key);
      throw error;
    }
  }

  /** The outputs of a flow that this client has open. */
  outputs(name: string | undefined): OutputFlow[] {
    return [...this.#flows].filter(
      (flow) => flow instanceof OutputFlow && flow.flow === name,
    ) as OutputFlow[];
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#flows].map((flow) => flow.close()));
  }

  #isOpen(key: object, flow: InputFlow | OutputFlow): void {
    this.#flows.add(flow);
    this.#openings.serves(key, flow);
    if (flow instanceof OutputFlow) void this.#tellMarks(flow);
  }

  /**
   * Consumers that said XOFF before this provider came: told like those that come, once the caller
   * had time to listen.
   */
  async #tellMarks(output: OutputFlow): Promise<void> {
    try {
      const marks = await this.#call('flow.marks', [output.flow]);
      for (const { consumer, mark } of marks) output.emit('flowControl', { ...mark, consumer });
    } catch (error) {
      clientLog.debug('the marks of a flow are not known', { flow: output.flow, error });
    }
  }
}
