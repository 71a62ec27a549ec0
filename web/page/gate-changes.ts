/**
 * Changes of SpecTcl's gates by this page: sends them to the server, keeps what SpecTcl's list does
 * not have yet, and takes the last change back. `viewer-page.ts` creates one; every `PlotGates`
 * uses it. Sends requests over HTTP; reports refusals, in SpecTcl's words, as notices.
 */
import { editOf, isSameGate } from '../view/gate-draft.js';
import type { ChangeRequest, SpecTclChange } from '../wire/changes.js';
import type { GateShape } from '../../protocol/spectcl/gate-shape.js';
import type { Notices } from './notices.js';
import type { PageState } from './page-state.js';

interface Refusal {
  readonly message: string;
  readonly facts?: { readonly status?: unknown; readonly detail?: unknown };
}

/** What takes a change back, and what it was, as in "the edit of beam". */
interface Reversal {
  readonly title: string;
  readonly changes: readonly SpecTclChange[];
}

export class GateChanges {
  readonly #state: PageState;
  readonly #notices: Notices;
  /** Gates that were sent and that SpecTcl does not list yet, by name. */
  readonly #pending = new Map<
    string,
    { readonly shape: GateShape; readonly before: GateShape | undefined }
  >();
  #last: (Reversal & { readonly app: string }) | undefined;

  constructor(state: PageState, notices: Notices) {
    this.#state = state;
    this.#notices = notices;
    state.on('gates', () => this.#listed());
  }

  /** Why this page may not change gates, with what is missing; undefined when it may. */
  get refusal(): string | undefined {
    const { welcome, connected, app, allowChanges } = this.#state;
    if (!connected || welcome === undefined) return 'The server of the web viewer does not answer.';
    if (welcome.control === 'no-secret')
      return 'Changing gates needs signing in, and this viewer has no secret: start it with --secret-file.';
    if (welcome.control === 'sign-in') return 'Changing gates needs signing in: “Sign in” in the header.';
    if (!allowChanges)
      return `Changing gates needs allowChanges of the application ${app ?? ''}: run it with --allow-changes.`;
    return undefined;
  }

  /** The gates as they will be: those that are pending replace those that SpecTcl lists. */
  get gates(): readonly GateShape[] {
    const { gates } = this.#state;
    const added = [...this.#pending.values()].flatMap(({ shape }) =>
      gates.some(({ name }) => name === shape.name) ? [] : [shape],
    );
    return [...gates.map((gate) => this.#pending.get(gate.name)?.shape ?? gate), ...added];
  }

  isPending(name: string): boolean {
    return this.#pending.has(name);
  }

  /** What `undo` takes back; undefined when there is nothing. */
  get undoable(): string | undefined {
    return this.#last?.app === this.#state.app ? this.#last?.title : undefined;
  }

  /** False, with a notice, when the gate was refused. */
  async edit(shape: GateShape): Promise<boolean> {
    const before = this.#find(shape.name);
    this.#pending.set(shape.name, { shape, before });
    this.#state.notify('gates');
    const done = await this.#carryOut([{ request: 'gate/edit', ...editOf(shape) }], {
      title: `${before === undefined ? 'the new gate' : 'the change of'} ${shape.name}`,
      changes:
        before === undefined
          ? [{ request: 'gate/delete', name: shape.name }]
          : [{ request: 'gate/edit', ...editOf(before) }],
    });
    if (!done) {
      this.#pending.delete(shape.name);
      this.#state.notify('gates');
    }
    return done;
  }

  async remove(name: string): Promise<void> {
    const before = this.#find(name);
    if (before === undefined) return;
    const title = `the deletion of ${name}`;
    const changes: SpecTclChange[] = [{ request: 'gate/edit', ...editOf(before) }];
    await this.#carryOut([{ request: 'gate/delete', name }], { title, changes });
  }

  /** `gate` undefined: the spectrum is counted without a gate. */
  async apply(gate: string | undefined, spectrum: string): Promise<void> {
    const applying = (name: string | undefined): SpecTclChange =>
      name === undefined
        ? { request: 'ungate', name: spectrum }
        : { request: 'apply/apply', gate: name, spectrum };
    const title = gate === undefined ? `taking the gate off ${spectrum}` : `applying ${gate} to ${spectrum}`;
    const before = this.#state.info(spectrum)?.gate;
    await this.#carryOut([applying(gate)], { title, changes: [applying(before)] });
  }

  /**
   * SpecTcl cannot rename: a gate of the new name is made and applied where the old one was, then
   * the old one is deleted.
   */
  async rename(name: string, to: string): Promise<void> {
    const before = this.#find(name);
    if (before === undefined) return;
    if (this.#find(to) !== undefined) return this.#notices.show(`There is a gate ${to} already.`);
    const spectra = (this.#state.spectra ?? []).filter(({ gate }) => gate === name);
    const moved = (shape: GateShape, old: string): SpecTclChange[] => [
      { request: 'gate/edit', ...editOf(shape) },
      ...spectra.map(({ name: spectrum }): SpecTclChange => {
        return { request: 'apply/apply', gate: shape.name, spectrum };
      }),
      { request: 'gate/delete', name: old },
    ];
    await this.#carryOut(moved({ ...before, name: to }, name), {
      title: `renaming ${name} to ${to}`,
      changes: moved(before, to),
    });
  }

  async undo(): Promise<void> {
    const last = this.#last;
    if (last === undefined || this.undoable === undefined) return this.#notices.show('No change to undo.');
    this.#last = undefined;
    if (await this.#sendAll(last.changes)) this.#notices.show(`Undone: ${last.title}.`);
    this.#state.notify('gates');
  }

  async #carryOut(changes: readonly SpecTclChange[], reversal: Reversal): Promise<boolean> {
    const { app } = this.#state;
    const done = await this.#sendAll(changes);
    if (done && app !== undefined) {
      this.#last = { ...reversal, app };
      this.#notices.show(`SpecTcl has accepted ${reversal.title}.`, {
        text: 'Undo',
        run: () => void this.undo(),
      });
      this.#state.notify('gates');
    }
    return done;
  }

  async #sendAll(changes: readonly SpecTclChange[]): Promise<boolean> {
    for (const change of changes) {
      const refused = this.refusal ?? (await this.#send(change));
      if (refused === undefined) continue;
      this.#notices.show(refused);
      return false;
    }
    return true;
  }

  /** The reason of a refusal. */
  async #send(change: SpecTclChange): Promise<string | undefined> {
    const request: ChangeRequest = { app: this.#state.app ?? '', change };
    try {
      const answer = await fetch('/api/change', { method: 'POST', body: JSON.stringify(request) });
      if (answer.ok) return undefined;
      const { error } = (await answer.json()) as { readonly error: Refusal };
      const { status, detail } = error.facts ?? {};
      if (typeof status !== 'string') return `SpecTcl is not changed: ${error.message}`;
      return `SpecTcl refuses ${change.request}: ${status}${typeof detail === 'string' ? `: ${detail}` : ''}`;
    } catch {
      return 'SpecTcl is not changed: the server of the web viewer does not answer.';
    }
  }

  #find(name: string): GateShape | undefined {
    return this.#state.gates.find((gate) => gate.name === name);
  }

  #listed(): void {
    for (const [name, { shape, before }] of this.#pending) {
      const listed = this.#find(name);
      // Another change that came in between is what SpecTcl has, too.
      if (isSameGate(listed, shape) || !isSameGate(listed, before)) this.#pending.delete(name);
    }
  }
}
