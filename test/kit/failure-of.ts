/** The error with which a promise is rejected. Used by tests of errors. Pure. */

/** A MirrorflowError, or any other error without code and facts. */
type Failure = Error & { readonly code?: string; readonly facts?: Readonly<Record<string, unknown>> };

/** Resolves with an Error without `code` when the promise is fulfilled. */
export async function failureOf(promise: Promise<unknown>): Promise<Failure> {
  const thrown: unknown = await promise.then(
    (value) => new Error(`fulfilled with ${String(value)} instead of rejected`),
    (error: unknown) => error,
  );
  return thrown as Failure;
}

/** The code of the error with which a promise rejects; undefined without one. */
export async function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  return (await failureOf(promise)).code;
}
