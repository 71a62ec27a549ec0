/**
 * Starts a real system with one application and one flow of numbered buffers. Called by the system
 * tests that kill its processes or attack its sockets, and then expect that no buffer was lost,
 * doubled or torn. Starts processes; the caller stops them with `system`.
 */
import { expect } from 'chai';
import { RealSystem, type RealSystemOptions } from '../kit/real-system.js';
import type { TestProcess } from '../kit/test-process.js';
import { NumberedFlow } from './numbered-flow.js';

export const APP = 'e1';
export const FLOW = 'events';

export interface SystemWithFlow {
  readonly system: RealSystem;
  readonly flow: NumberedFlow;
  readonly hostServer: TestProcess;
}

export async function startWithFlow(options: RealSystemOptions = {}): Promise<SystemWithFlow> {
  const system = new RealSystem(options);
  const hostServer = await system.startHost(APP);
  return { system, flow: new NumberedFlow(system, APP, FLOW), hostServer };
}

/** Ends the flow; every published buffer must have arrived, once and whole. */
export async function expectIntact(flow: NumberedFlow): Promise<void> {
  const { lost, doubled, torn } = await flow.end();
  expect({ lost, doubled, torn, problems: flow.problems }).to.deep.equal({
    lost: 0,
    doubled: 0,
    torn: 0,
    problems: [],
  });
}
