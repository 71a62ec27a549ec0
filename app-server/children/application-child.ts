/**
 * What the gateway and the recorder of an application have in common as children of its app server:
 * which of them is its own, and what the log says of it. `gateway-process.ts` and
 * `recorder-process.ts` make one each. Starts and stops processes by `AdoptableProcess`.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../protocol/base/clock.js';
import type { LogFields, Logger } from '../../protocol/base/log.js';
import type { OwnerIdentity } from '../../protocol/base/owner-identity.js';
import { AdoptableProcess, type AdoptableReady } from '../../protocol/host/process-kit/adoptable-process.js';
import type { Child } from '../../protocol/host/process-kit/child.js';

/** What such a child reports when it is ready. */
interface ApplicationChildReady extends AdoptableReady {
  readonly application: string;
  readonly options: object;
}

export interface ApplicationChild<Ready extends ApplicationChildReady> {
  readonly kind: 'gateway' | 'recorder';
  /** Undefined: the application has none. */
  readonly options: Ready['options'] | undefined;
  /** The child of an earlier app server, by its record. */
  readonly living: () => OwnerIdentity | undefined;
  readonly launch: () => Child<Ready>;
  /** Log messages when it runs and when it does not. */
  readonly words: { readonly running: string; readonly failed: string; readonly abandoned: string };
  /** Fields of the log line when it runs. */
  readonly facts?: (ready: Ready) => LogFields;
}

export function superviseApplicationChild<Ready extends ApplicationChildReady>(
  application: string,
  { kind, options, living, launch, words, facts = () => ({}) }: ApplicationChild<Ready>,
  clock: Clock,
  log: Logger,
): AdoptableProcess<Ready> {
  const child: AdoptableProcess<Ready> = new AdoptableProcess<Ready>({
    names: {
      title: `the ${kind} of ${application}`,
      parent: 'this app server',
      refusal: `application ${application} has no use for this ${kind}`,
    },
    clock,
    isWanted: options !== undefined,
    living,
    launch,
    belongs: (ready) => ready.application === application,
    hasOurOptions: (ready) => isDeepStrictEqual(ready.options, options),
    failed: ({ message }) => log.warn(words.failed, { reason: message }),
    changed: (state) => {
      const { ready, pid, cause } = child.supervisor;
      if (state === 'running' && ready !== undefined) log.info(words.running, { pid, ...facts(ready) });
      else if (state === 'failed') log.warn(words.abandoned, { reason: cause?.message });
    },
  });
  return child;
}
