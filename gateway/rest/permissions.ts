/**
 * Which requests of SpecTcl's REST service only read. Everything else changes SpecTcl, or its
 * files, and is passed on only where that was switched on. Pure.
 */

/** Requests that only read; `cached` ones are lists that may be a moment old. */
const READING: Readonly<Record<string, 'cached' | 'fresh'>> = {
  'apply/list': 'cached',
  'attach/list': 'cached',
  'channel/get': 'fresh',
  'evbpipe/list': 'cached',
  'evbpipe/list/proctypes': 'cached',
  'evbunpack/list': 'cached',
  'filter/list': 'cached',
  'fit/list': 'cached',
  'fit/proc': 'fresh',
  'fold/list': 'cached',
  'gate/list': 'cached',
  integrate: 'fresh',
  'parameter/check': 'cached',
  'parameter/list': 'cached',
  'parameter/version': 'cached',
  'pipeline/list': 'cached',
  'pman/ls': 'cached',
  'pman/current': 'cached',
  'pman/ls-all': 'cached',
  'pman/ls-evp': 'cached',
  'pseudo/list': 'cached',
  'psuedo/list': 'cached',
  'rawparameter/list': 'cached',
  'rawparameter/listall': 'cached',
  'ringformat/get': 'cached',
  'rootfile/list': 'cached',
  'roottree/list': 'cached',
  'spectrum/contents': 'fresh',
  // A trace is the asker's own token; it changes nothing that others see.
  'trace/done': 'fresh',
  'trace/establish': 'fresh',
  'trace/fetch': 'fresh',
  'treeparameter/check': 'cached',
  'treeparameter/list': 'cached',
  'treeparameter/version': 'cached',
  'treevariable/check': 'cached',
  'treevariable/list': 'cached',
};

/** First words of SpecTcl's requests, to tell what it does not know from what is not allowed. */
const DOMAINS = new Set(
  [
    ...Object.keys(READING),
    'analyze command exit mdpp mirror project sbind script shmem specstats spectrum sread start stop swrite unbind ungate version'.split(
      ' ',
    ),
  ]
    .flat()
    .map((request) => request.split('/', 1)[0] ?? ''),
);

export type Permission = 'cached' | 'fresh' | 'changes' | 'unknown';

/** What a request behind `/spectcl/` is. */
export function permissionOf(request: string): Permission {
  if (Object.hasOwn(READING, request)) return READING[request] ?? 'fresh';
  return DOMAINS.has(request.split('/', 1)[0] ?? '') ? 'changes' : 'unknown';
}
