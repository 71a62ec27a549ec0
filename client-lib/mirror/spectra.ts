/**
 * Spectra by name over a display memory (SpecTcl's shared memory: a header of spectrum definitions
 * in front of the channels): titles, axes, and counts as typed arrays over the memory itself. Part
 * of the public surface: Mirror and getSpecTclMemory return it. Pure: reads the memory it is given.
 */
import { MirrorflowError } from '../../protocol/base/errors.js';
import {
  bindings,
  channelsOf,
  readBinding,
  type Binding,
  type Channels,
} from '../../protocol/spectcl/display-memory.js';

export type { Binding, Channels } from '../../protocol/spectcl/display-memory.js';

/** Names that an error lists; the rest is only counted. */
const NAMES_SHOWN = 10;

/** One spectrum of a publication, valid while its buffer is. */
export class Spectrum {
  /** Where the spectrum is in the display memory, and its axes. */
  readonly binding: Binding;
  /**
   * Counts of all stored channels, row by row for 2-D (x fastest), as u8, u16 or u32. A view of the
   * display memory: changes with it, and is valid as long as it. Where SpecTcl stores under- and
   * overflow channels, they are the first and the last.
   */
  readonly counts: Channels;

  constructor(binding: Binding, counts: Channels) {
    this.binding = binding;
    this.counts = counts;
  }

  /** Name in SpecTcl. */
  get name(): string {
    return this.binding.name;
  }

  /** Sum of the counts of all stored channels; exact to 2^53. */
  get sum(): number {
    let sum = 0;
    const { counts } = this;
    for (let channel = 0; channel < counts.length; channel += 1) sum += counts[channel] ?? 0;
    return sum;
  }
}

/** The spectra of one publication, valid while its buffer is. */
export class SpectraView {
  /** The display memory: header from offset 0, channel storage behind it. */
  readonly memory: Uint8Array;
  /** The slot at which each name was found last; see #bindingOf. */
  #slotByName: Map<string, number> | undefined;

  constructor(memory: Uint8Array) {
    this.memory = memory;
  }

  /**
   * The defined spectra in the order of their slots. Spectra whose channels would lie outside the
   * memory are left out.
   */
  list(): Spectrum[] {
    return bindings(this.memory).flatMap((binding) => {
      const spectrum = this.#spectrum(binding);
      return spectrum === undefined ? [] : [spectrum];
    });
  }

  /** The spectrum of a name, or undefined. */
  find(name: string): Spectrum | undefined {
    const binding = this.#bindingOf(name);
    return binding === undefined ? undefined : this.#spectrum(binding);
  }

  /** The spectrum of a name; throws UNKNOWN_SPECTRUM naming some that exist. */
  get(name: string): Spectrum {
    const spectrum = this.find(name);
    if (spectrum !== undefined) return spectrum;
    const names = this.list().map(({ name: known }) => known);
    const more = names.length > NAMES_SHOWN ? ` and ${names.length - NAMES_SHOWN} more` : '';
    const existing =
      names.length === 0 ? 'there are none' : `there are ${names.slice(0, NAMES_SHOWN).join(', ')}${more}`;
    throw new MirrorflowError(
      'UNKNOWN_SPECTRUM',
      `there is no spectrum ${JSON.stringify(name)}; ${existing}`,
      {
        name,
      },
    );
  }

  /** The binding of a name; a cached slot is checked, since SpecTcl may have reused it. */
  #bindingOf(name: string): Binding | undefined {
    const slot = this.#slotByName?.get(name);
    if (slot !== undefined) {
      const binding = readBinding(this.memory, slot);
      if (binding?.name === name) return binding;
    }
    const all = bindings(this.memory);
    this.#slotByName = new Map(all.map((binding) => [binding.name, binding.slot]));
    return all.find((binding) => binding.name === name);
  }

  #spectrum(binding: Binding): Spectrum | undefined {
    if (binding.byteOffset + binding.byteLength > this.memory.byteLength) return undefined;
    return new Spectrum(binding, channelsOf(this.memory, binding));
  }
}
