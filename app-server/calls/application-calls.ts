/**
 * Handlers of the XML-RPC methods `app.*` for any caller: facts about the server, its statistics
 * here and on the other hosts, the registered programs, fits of spectra, and its end. Part of the
 * handler table that `services.ts` puts together; touches nothing but the objects that it is given.
 */
import type { CONTRACT, MirrorflowContract } from '../../protocol/rpc/contract/methods.js';
import type { Handlers, ResultOf } from '../../protocol/rpc/xml-rpc/contract.js';
import type { Programs } from '../children/programs.js';
import type { CallOrigin } from '../clients/call-origin.js';
import type { AnswerOf, RemoteHosts } from '../remote/remote-hosts.js';
import { mirrorsOf } from './mirrors.js';
import type { SpectrumFits } from './spectrum-fits.js';
import type { StatisticsCollector } from './statistics.js';

/** What only the app server itself can answer. */
export interface ServerCalls {
  readonly info: () => ResultOf<(typeof CONTRACT)['app.info']>;
  /** Begins the end of the server and returns at once. */
  readonly quit: () => void;
}

export function applicationCalls(
  { info, quit }: ServerCalls,
  statistics: StatisticsCollector,
  programs: Programs,
  hosts: RemoteHosts,
  fits: SpectrumFits,
): Partial<Handlers<MirrorflowContract, CallOrigin>> {
  return {
    'app.info': () => info(),
    'app.mirrors': () => {
      const { source, gateway } = info();
      return mirrorsOf(source, gateway);
    },
    'app.quit': () => {
      quit();
      return true;
    },
    'app.statistics': async ([everywhere = false]) => {
      const [own, answers] = await Promise.all([
        statistics.application(),
        everywhere ? hosts.all('remote.statistics', []) : undefined,
      ]);
      return answers === undefined ? own : { ...own, elsewhere: answers.map(withHost) };
    },
    'app.network': async ([everywhere = false]) => {
      const [own, answers] = await Promise.all([
        statistics.network(),
        everywhere ? hosts.all('remote.network', []) : undefined,
      ]);
      return answers === undefined ? own : { ...own, elsewhere: answers.map(withHost) };
    },
    'app.programs': () => programs.list(),
    'app.run': ([program, host]) => {
      if (host === undefined || host === hosts.own) return programs.run(program);
      return hosts.call(host, 'remote.run', [program]);
    },
    'app.fit': ([spectrum, request]) => fits.fit(spectrum, request),
    'app.peaks': ([spectrum, request = {}]) => fits.peaks(spectrum, request),
  };
}

function withHost<M extends 'remote.statistics' | 'remote.network'>({ host, result }: AnswerOf<M>) {
  return Object.assign(result, { host });
}
