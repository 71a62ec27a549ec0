/**
 * A whole system with one application and one numbered flow, which tests hurt and which must come
 * through whole.
 */
import type { ChildProcess } from 'node:child_process';
import { expect } from 'chai';
import { NumberedFlow } from './numbered-flow.js';
import { RealSystem } from '../kit/real-system.js';

export const APP = 'e1';
export const FLOW = 'events';

export interface SystemWithFlow {
  readonly system: RealSystem;
  readonly flow: NumberedFlow;
  readonly hostServer: ChildProcess;
}

export async function startWithFlow(): Promise<SystemWithFlow> {
  const system = new RealSystem();
  const hostServer = await system.startHost();
  await system.host.run({ name: APP });
  return { system, flow: new NumberedFlow(system, APP, FLOW), hostServer };
}

/** Of the application's app server; 0 while none runs. */
export async function appServerPid({ host }: RealSystem): Promise<number> {
  const info = (await host.applications()).find(({ name }) => name === APP);
  return info?.state === 'running' ? (info.pid ?? 0) : 0;
}

/** Ends the flow: all that was published has arrived, once and whole. */
export async function expectIntact(flow: NumberedFlow): Promise<void> {
  const { lost, doubled, torn } = await flow.end();
  expect({ lost, doubled, torn, problems: flow.problems }).to.deep.equal({
    lost: 0,
    doubled: 0,
    torn: 0,
    problems: [],
  });
}
