/**
 * Classifies requests of SpecTcl's REST service: reading, changing, unknown.
 *
 * `rest-service.ts` passes reading requests on to SpecTcl, and all others only when the gateway was
 * started with `allowChanges`. Pure: no I/O.
 */

/**
 * Reading requests whose answer may be up to 250 ms old, or the last one of a SpecTcl that fails.
 */
const CACHED = [
  'apply/list',
  'attach/list',
  'evbpipe/list',
  'evbpipe/list/proctypes',
  'evbunpack/list',
  'filter/list',
  'fit/list',
  'fold/list',
  'gate/list',
  'parameter/check',
  'parameter/list',
  'parameter/listnew',
  'parameter/version',
  'pipeline/list',
  'pman/current',
  'pman/ls',
  'pman/ls-all',
  'pman/ls-evp',
  'pman/lsall',
  'pman/lsevp',
  'pseudo/list',
  'psuedo/list',
  'rawparameter/list',
  'rawparameter/listall',
  'ringformat/get',
  'rootfile/list',
  'roottree/list',
  'treeparameter/check',
  'treeparameter/list',
  'treeparameter/version',
  'treevariable/check',
  'treevariable/list',
];

/**
 * Reading requests whose answer must be new. `treevariable/firetraces` sets nothing: it makes
 * SpecTcl's own windows show the present values.
 */
const FRESH = ['channel/get', 'fit/proc', 'integrate', 'spectrum/contents', 'treevariable/firetraces'];

const READING: ReadonlyMap<string, 'cached' | 'fresh'> = new Map([
  ...CACHED.map((request) => [request, 'cached'] as const),
  ...FRESH.map((request) => [request, 'fresh'] as const),
]);

/** First words of SpecTcl's requests, which distinguish forbidden requests from unknown ones. */
const DOMAINS = new Set(
  [
    ...READING.keys(),
    ...'analyze command exit mdpp mirror project sbind script shmem specstats spectrum sread start stop swrite trace unbind ungate version'.split(
      ' ',
    ),
  ].map((request) => request.split('/', 1)[0] ?? ''),
);

export type Permission = 'cached' | 'fresh' | 'changes' | 'unknown';

/** The class of a request, by its path after `/spectcl/`. */
export function permissionOf(request: string): Permission {
  const reading = READING.get(request);
  if (reading !== undefined) return reading;
  return DOMAINS.has(request.split('/', 1)[0] ?? '') ? 'changes' : 'unknown';
}

/** Whether the detail of the request's answer is a list. */
export function isListRequest(request: string): boolean {
  return (
    request === 'specstats' ||
    request === 'mirror' ||
    /\/(?:list|listnew|listall|ls|lsall|lsevp)$/.test(request)
  );
}
