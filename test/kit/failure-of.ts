/** For tests of errors: the error with which a promise is rejected. Pure. */

/** Resolves with an Error without `code` when the promise is fulfilled. */
export async function failureOf(promise: Promise<unknown>): Promise<Error & { code?: string }> {
  const thrown: unknown = await promise.then(
    (value) => new Error(`fulfilled with ${String(value)} instead of rejected`),
    (error: unknown) => error,
  );
  return thrown as Error & { code?: string };
}
