/**
 * Classifies requests of SpecTcl's REST service: reading, changing, unknown.
 *
 * `rest-service.ts` passes reading requests on to SpecTcl, and all others only when the gateway was
 * started with `allowChanges`. Pure: no I/O.
 */

/** Reading requests. `cached`: the answer may be up to 250 ms old; `fresh`: it must be new. */
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
  // A trace belongs to its requester and changes nothing that other viewers see.
  'trace/done': 'fresh',
  'trace/establish': 'fresh',
  'trace/fetch': 'fresh',
  'treeparameter/check': 'cached',
  'treeparameter/list': 'cached',
  'treeparameter/version': 'cached',
  'treevariable/check': 'cached',
  'treevariable/list': 'cached',
};

/** First words of SpecTcl's requests, which distinguish forbidden requests from unknown ones. */
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

/** The class of a request, by its path after `/spectcl/`. */
export function permissionOf(request: string): Permission {
  if (Object.hasOwn(READING, request)) return READING[request] ?? 'fresh';
  return DOMAINS.has(request.split('/', 1)[0] ?? '') ? 'changes' : 'unknown';
}
