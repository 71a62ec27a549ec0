/**
 * Callers that wait for one result, such as the readiness of a child: all are answered together, or
 * rejected together. Used by the owners of a supervisor. Pure.
 */
interface Waiter<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

export class Waiters<T> {
  #waiting: Waiter<T>[] = [];

  get count(): number {
    return this.#waiting.length;
  }

  wait(): Promise<T> {
    const answer = new Promise<T>((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
    });
    // A caller that has stopped waiting must not cause an unhandled rejection.
    answer.catch(() => undefined);
    return answer;
  }

  resolveAll(value: T): void {
    for (const { resolve } of this.#drain()) resolve(value);
  }

  rejectAll(error: Error): void {
    for (const { reject } of this.#drain()) reject(error);
  }

  #drain(): Waiter<T>[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting;
  }
}
