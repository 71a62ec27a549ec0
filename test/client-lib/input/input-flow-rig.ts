/**
 * Runs a suite for input flows of both engines, on a duplicator in this process (FlowDouble).
 * Closes the flows and duplicators that a test has opened.
 */
import { openInputFlow, type InputFlow } from '../../../client-lib/input/input-flow.js';
import type { InputFlowOptions } from '../../../client-lib/input/input-options.js';
import { FlowDouble, type DoubleOptions } from '../../kit/flow-double.js';

export interface InputFlowRig {
  readonly inline: boolean;
  double(options?: DoubleOptions): Promise<FlowDouble>;
  open(from: FlowDouble, options?: InputFlowOptions, whenDetached?: 'end' | 'hold'): Promise<InputFlow>;
}

export function withBothEngines(what: string, tests: (rig: InputFlowRig) => void): void {
  for (const inline of [false, true]) {
    describe(`${what}, ${inline ? 'inline' : 'with a flow thread'}`, () => {
      const doubles: FlowDouble[] = [];
      const flows: InputFlow[] = [];

      afterEach(async () => {
        for (const flow of flows.splice(0)) await flow.close();
        for (const made of doubles.splice(0)) await made.close();
      });

      tests({
        inline,
        double: async (options = {}) => {
          const made = await FlowDouble.start(options);
          doubles.push(made);
          return made;
        },
        open: async (from, options = {}, whenDetached = 'end') => {
          const flow = await openInputFlow(from.opened, { inline, ...options }, whenDetached);
          flows.push(flow);
          return flow;
        },
      });
    });
  }
}
