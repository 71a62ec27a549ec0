/** Those who wait for one thing: answered together, or refused together. */

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
    // Whoever has given up waiting does not hear the rejection.
    answer.catch(() => undefined);
    return answer;
  }

  resolveAll(value: T): void {
    for (const { resolve } of this.#take()) resolve(value);
  }

  rejectAll(error: Error): void {
    for (const { reject } of this.#take()) reject(error);
  }

  #take(): Waiter<T>[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting;
  }
}
