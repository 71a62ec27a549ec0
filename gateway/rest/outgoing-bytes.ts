/**
 * Bounds the memory of answers that clients have not taken yet. Answers of one body share its
 * memory and count once. `rest-service.ts` owns one. Pure.
 */
/** Two of the largest answers that SpecTcl may give, and what many clients read at once. */
const OUTGOING_BYTES_MAX = 192 * 1024 * 1024;

export class OutgoingBytes {
  /** Answers in progress by body. */
  readonly #answers = new Map<Uint8Array, number>();
  #bytes = 0;

  /** False when the body does not fit; else call `remove` when it is sent or its client is gone. */
  add(body: Uint8Array): boolean {
    const answers = this.#answers.get(body) ?? 0;
    const isLarge = this.#bytes + body.byteLength > OUTGOING_BYTES_MAX;
    if (answers === 0 && isLarge && this.#bytes > 0) return false;
    if (answers === 0) this.#bytes += body.byteLength;
    this.#answers.set(body, answers + 1);
    return true;
  }

  remove(body: Uint8Array): void {
    const left = (this.#answers.get(body) ?? 1) - 1;
    if (left > 0) {
      this.#answers.set(body, left);
    } else if (this.#answers.delete(body)) {
      this.#bytes -= body.byteLength;
    }
  }
}
