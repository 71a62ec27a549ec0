/**
 * SpecTcl's answers to reading requests, with its last answer while it hangs or is unreachable.
 *
 * `rest-service.ts` and `local-requests.ts` ask through it. Viewers wait for these answers in their
 * GUI thread, and some end when one fails. Keeps a bounded number of answers; asks `SourceRest`.
 */
import type { Clock } from '../../protocol/base/clock.js';
import { MirrorflowError, isMirrorflowError } from '../../protocol/base/errors.js';
import { globMatcher } from '../../protocol/spectcl/glob.js';
import { success, type Answer } from './answer.js';
import type { SourceRest } from './source-rest.js';

/** Time after which the last answer, if there is one, is given instead of a new one. */
const HANGING_AFTER_MS = 500;
const ANSWERS_MAX = 256;
const ANSWERS_BYTES_MAX = 32 * 1024 * 1024;
const PREFETCH_RETRY_MS = 2_000;
/** Lists that viewers ask, requested at the start so that they have a last answer. */
const PREFETCHED = [
  'version',
  'shmem/variables',
  'spectrum/list?filter=*',
  'sbind/list?pattern=*',
  'gate/list?pattern=*',
  'apply/list?pattern=*',
  'parameter/list?filter=*',
].map((request) => `/spectcl/${request}`);

export class LastAnswers {
  readonly #source: SourceRest;
  readonly #clock: Clock;
  /** Successful answers by path, the oldest first. */
  readonly #answers = new Map<string, Answer>();
  #bytes = 0;
  /** Paths of requests that SpecTcl has not answered in time. */
  readonly #hanging = new Set<string>();
  #cancelPrefetch: (() => void) | undefined;
  #closed = false;

  constructor(source: SourceRest, clock: Clock) {
    this.#source = source;
    this.#clock = clock;
  }

  /**
   * The answer to a reading request, at most 250 ms old, or the last one after 500 ms. Without a
   * last answer it waits, unless `hurry`: then it throws TIMED_OUT after 500 ms. Throws the errors
   * of `SourceRest`.
   */
  async get(path: string, { hurry = false } = {}): Promise<Answer> {
    const pending = this.#source.cached(path);
    const last = this.#lastOf(path);
    if (last === undefined && !hurry) return this.#remember(path, await pending);
    try {
      return this.#remember(path, await this.#inTime(path, pending));
    } catch (error) {
      if (last === undefined || isMirrorflowError(error, 'SOURCE_REFUSED')) throw error;
      return last;
    }
  }

  /** The detail of such an answer. Throws SOURCE_REFUSED with SpecTcl's status. */
  async detail(path: string, options: { readonly hurry?: boolean } = {}): Promise<unknown> {
    return this.detailOf(path, await this.get(path, options));
  }

  /** The detail of an answer to `path`. Throws SOURCE_REFUSED and SOURCE_PROTOCOL. */
  detailOf(path: string, answer: Answer): unknown {
    return this.#source.detailOf(path, answer);
  }

  isSuccess(answer: Answer): boolean {
    return this.#source.isSuccess(answer);
  }

  /** Requests the usual lists until SpecTcl has answered them once. */
  prefetch(paths: readonly string[] = PREFETCHED): void {
    void Promise.allSettled(paths.map((path) => this.get(path))).then((results) => {
      const failed = paths.filter((_, index) => results[index]?.status === 'rejected');
      if (failed.length === 0 || this.#closed) return;
      this.#cancelPrefetch = this.#clock.after(PREFETCH_RETRY_MS, () => this.prefetch(failed), true);
    });
  }

  close(): void {
    this.#closed = true;
    this.#cancelPrefetch?.();
  }

  /** The answer, or TIMED_OUT when it is late. */
  async #inTime(path: string, pending: Promise<Answer>): Promise<Answer> {
    const late = new MirrorflowError(
      'TIMED_OUT',
      `SpecTcl did not answer ${path} within ${HANGING_AFTER_MS} ms`,
    );
    let cancel: (() => void) | undefined;
    const deadline = new Promise<never>((_, reject) => {
      // Requests that join a late one do not wait again.
      cancel = this.#clock.after(this.#hanging.has(path) ? 0 : HANGING_AFTER_MS, () => reject(late));
    });
    try {
      return await Promise.race([pending, deadline]);
    } catch (error) {
      if (error === late && !this.#hanging.has(path)) {
        this.#source.reportHang(HANGING_AFTER_MS);
        this.#hanging.add(path);
        const end = (): void => void this.#hanging.delete(path);
        pending.then((answer) => {
          end();
          this.#remember(path, answer);
        }, end);
      }
      throw error;
    } finally {
      cancel?.();
    }
  }

  #remember(path: string, answer: Answer): Answer {
    if (this.#answers.get(path) === answer || !this.#source.isSuccess(answer)) return answer;
    this.#forget(path);
    this.#answers.set(path, answer);
    this.#bytes += answer.body.byteLength;
    for (const oldest of this.#answers.keys()) {
      if (this.#answers.size <= ANSWERS_MAX && this.#bytes <= ANSWERS_BYTES_MAX) break;
      this.#forget(oldest);
    }
    return answer;
  }

  #forget(path: string): void {
    this.#bytes -= this.#answers.get(path)?.body.byteLength ?? 0;
    this.#answers.delete(path);
  }

  /** The last answer to the request, or the part of the last complete list that it selects. */
  #lastOf(path: string): Answer | undefined {
    const last = this.#answers.get(path);
    if (last !== undefined) return last;
    const [name = '', query = ''] = path.split('?', 2);
    if (!name.endsWith('/list')) return undefined;
    const parameters = new URLSearchParams(query);
    const pattern = parameters.get('pattern') ?? parameters.get('filter') ?? '*';
    for (const complete of [name, `${name}?pattern=*`, `${name}?filter=*`]) {
      const answer = this.#answers.get(complete);
      if (answer === undefined) continue;
      const entries = this.#source.detailOf(complete, answer);
      if (!Array.isArray(entries)) continue;
      const isSelected = globMatcher(pattern);
      return success((entries as unknown[]).filter((entry) => isSelected(entryName(entry))));
    }
    return undefined;
  }
}

/** The name by which SpecTcl selects an entry of a list: that of a spectrum in `apply/list`. */
function entryName(entry: unknown): string {
  const { name, spectrum } = (entry ?? {}) as { readonly name?: unknown; readonly spectrum?: unknown };
  const selected = name ?? spectrum;
  return typeof selected === 'string' ? selected : JSON.stringify(selected ?? '');
}
