/**
 * The list of spectra beside the board: search, type filters, and a live thumbnail for every
 * visible row. Rows that are scrolled away are removed from the document, so that long lists cost
 * nothing. `viewer-page.ts` creates it and shows the chosen spectra.
 */
import { nameMatcher, tagMatcher, type TypeTag } from '../view/search.js';
import { formatCount, formatShortCount } from '../../plotting/numbers.js';
import type { SpectrumInfo } from '../wire/spectrum-info.js';
import type { SpectrumPlacement } from './board.js';
import { element, setText } from './dom.js';
import type { PageServices } from './plot-interface.js';
import { Thumbnail } from './thumbnail.js';

interface Row {
  readonly element: HTMLElement;
  readonly thumbnail: Thumbnail;
}

const ROW_PX = 58;
/** Rows that exist beyond the visible ones, on each side. */
const MARGIN_ROWS = 2;
const FILTERS: readonly (readonly [TypeTag, string])[] = [
  ['1D', '1-D'],
  ['2D', '2-D'],
  ['gated', 'Gated'],
];

export class SpectrumList {
  readonly element: HTMLElement;
  readonly search = element('input', {
    type: 'search',
    placeholder: 'Search: part of a name, or ge.*',
    'aria-label': 'Search spectra',
    autocomplete: 'off',
    spellcheck: 'false',
    role: 'combobox',
    'aria-expanded': 'true',
    'aria-controls': 'spectra',
    'aria-autocomplete': 'list',
  });
  readonly #services: PageServices;
  readonly #show: (name: string, placement: SpectrumPlacement) => void;
  readonly #namesOnBoard: () => ReadonlySet<string>;
  readonly #scroller = element('div', {
    id: 'spectra',
    class: 'list-scroll',
    role: 'listbox',
    'aria-label': 'Spectra',
    tabindex: '0',
  });
  readonly #rowSpace = element('div', { class: 'list-space' });
  readonly #count = element('p', { class: 'list-count', role: 'status' });
  readonly #note = element('p', { class: 'list-note' });
  /** Opens and closes the list in a narrow window. */
  readonly #toggle = element(
    'button',
    {
      type: 'button',
      class: 'list-toggle',
      'aria-expanded': 'false',
      'aria-controls': 'spectra',
      onclick: () => this.#setOpen(!this.element.classList.contains('is-open')),
    },
    'Spectra',
  );
  readonly #activeTags = new Set<TypeTag>();
  readonly #rows = new Map<string, Row>();
  #matches: readonly SpectrumInfo[] = [];
  #active = 0;
  /** As the browser has reported them, so that an update makes it lay out nothing. */
  #scrollTop = 0;
  #height = 0;

  constructor(
    services: PageServices,
    show: (name: string, placement: SpectrumPlacement) => void,
    namesOnBoard: () => ReadonlySet<string>,
  ) {
    this.#services = services;
    this.#show = show;
    this.#namesOnBoard = namesOnBoard;
    this.#scroller.append(this.#rowSpace);
    const filters = FILTERS.map(([tag, text]) => this.#filterButton(tag, text));
    this.element = element(
      'aside',
      { class: 'list', 'aria-label': 'Spectra' },
      element(
        'div',
        { class: 'list-head' },
        element('div', { class: 'list-search' }, this.search, this.#toggle),
        element('div', { class: 'tags', role: 'group', 'aria-label': 'Types' }, ...filters, this.#count),
      ),
      this.#note,
      this.#scroller,
    );
    this.search.addEventListener('input', () => this.refresh());
    this.search.addEventListener('keydown', (event) => this.#handleKey(event));
    this.#scroller.addEventListener('keydown', (event) => this.#handleKey(event));
    const scrolled = (): void => {
      this.#scrollTop = this.#scroller.scrollTop;
      this.#updateRows();
    };
    this.#scroller.addEventListener('scroll', scrolled, { passive: true });
    new ResizeObserver((entries) => {
      this.#height = entries.at(-1)?.contentRect.height ?? 0;
      this.#updateRows();
    }).observe(this.#scroller);
    for (const topic of ['list', 'status', 'connection'] as const)
      services.state.on(topic, () => this.refresh());
  }

  refresh(): void {
    const { spectra, status, connected } = this.#services.state;
    const [byName, byTag] = [nameMatcher(this.search.value), tagMatcher(this.#activeTags)];
    this.#matches = (spectra ?? []).filter((info) => byName(info.name) && byTag(info));
    const all = spectra?.length ?? 0;
    setText(
      this.#count,
      all === this.#matches.length ? `${all} spectra` : `${this.#matches.length} of ${all}`,
    );
    const note =
      spectra === undefined
        ? !connected || status === undefined || status.state === 'connecting'
          ? 'Loading spectra …'
          : (status.cause ?? '')
        : all === 0
          ? 'SpecTcl has no spectra in its display memory. Bind some with “sbind -all”.'
          : this.#matches.length === 0
            ? 'No spectrum matches. Clear the search with Escape.'
            : '';
    setText(this.#note, note);
    this.#note.hidden = note === '';
    this.#rowSpace.style.height = `${this.#matches.length * ROW_PX}px`;
    this.#active = Math.min(this.#active, Math.max(0, this.#matches.length - 1));
    this.#updateRows();
  }

  openSearch(): void {
    this.#setOpen(true);
    this.search.focus();
  }

  redraw(): void {
    for (const { thumbnail } of this.#rows.values()) thumbnail.redraw();
  }

  close(): void {
    for (const { thumbnail, element: row } of this.#rows.values()) {
      thumbnail.close();
      row.remove();
    }
    this.#rows.clear();
  }

  #setOpen(open: boolean): void {
    this.element.classList.toggle('is-open', open);
    this.#toggle.setAttribute('aria-expanded', String(open));
  }

  /** Shows a spectrum; in a narrow window the list makes room for it. */
  #choose(name: string | undefined, placement: SpectrumPlacement): void {
    if (name === undefined) return;
    this.#show(name, placement);
    if (placement === 'replace') this.#setOpen(false);
  }

  #filterButton(tag: TypeTag, text: string): HTMLElement {
    const chip = element('button', { type: 'button', class: 'tag', 'aria-pressed': 'false' }, text);
    chip.addEventListener('click', () => {
      if (!this.#activeTags.delete(tag)) this.#activeTags.add(tag);
      chip.setAttribute('aria-pressed', String(this.#activeTags.has(tag)));
      this.refresh();
    });
    return chip;
  }

  #handleKey(event: KeyboardEvent): void {
    const page = Math.max(1, Math.floor(this.#height / ROW_PX) - 1);
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
    };
    const step = steps[event.key];
    if (step !== undefined) {
      this.#active = Math.min(Math.max(0, this.#active + step), Math.max(0, this.#matches.length - 1));
      const top = this.#active * ROW_PX;
      if (top < this.#scrollTop) this.#scrollTo(top);
      else if (top + ROW_PX > this.#scrollTop + this.#height) this.#scrollTo(top + ROW_PX - this.#height);
      this.#setOpen(true);
      this.#updateRows();
      event.preventDefault();
    } else if (event.key === 'Enter') {
      const name = this.#matches[this.#active]?.name;
      this.#choose(name, event.shiftKey ? 'overlay' : event.altKey ? 'add' : 'replace');
    } else if (event.key === '+' && event.target === this.#scroller) {
      this.#choose(this.#matches[this.#active]?.name, 'add');
    } else if (event.key === 'Escape') {
      if (this.search.value === '') this.#setOpen(false);
      this.search.value = '';
      this.refresh();
    }
  }

  #scrollTo(top: number): void {
    this.#scroller.scrollTop = top;
    this.#scrollTop = top;
  }

  /** Creates the rows that are visible, and removes the others. */
  #updateRows(): void {
    // A list without height is not displayed.
    const margin = this.#height === 0 ? 0 : MARGIN_ROWS;
    const first = Math.max(0, Math.floor(this.#scrollTop / ROW_PX) - margin);
    const end = Math.ceil((this.#scrollTop + this.#height) / ROW_PX) + margin;
    const last = Math.min(this.#matches.length, this.#height === 0 ? 0 : end);
    const visible = new Map(
      this.#matches.slice(first, last).map((info, index) => [info.name, { info, index: first + index }]),
    );
    for (const [name, { thumbnail, element: row }] of this.#rows) {
      if (visible.has(name)) continue;
      thumbnail.close();
      row.remove();
      this.#rows.delete(name);
    }
    const onBoard = this.#namesOnBoard();
    for (const [name, { info, index }] of visible) {
      const row = this.#rows.get(name) ?? this.#createRow(info);
      row.element.style.transform = `translateY(${index * ROW_PX}px)`;
      row.element.classList.toggle('is-active', index === this.#active);
      row.element.setAttribute('aria-selected', String(index === this.#active));
      row.element.classList.toggle('is-shown', onBoard.has(name));
      row.element.id = `row-${index}`;
    }
    const active = visible.has(this.#matches[this.#active]?.name ?? '') ? `row-${this.#active}` : '';
    for (const control of [this.#scroller, this.search])
      control.setAttribute('aria-activedescendant', active);
  }

  #createRow(info: SpectrumInfo): Row {
    const { name, dimensions, xchans, ychans, gate } = info;
    const sum = element('span', { class: 'row-sum' });
    const thumbnail = new Thumbnail(name, this.#services.subscriptions, this.#services.loop, (counts) => {
      setText(sum, formatShortCount(counts));
      sum.title = `${formatCount(counts)} counts`;
    });
    const size = dimensions === 1 ? `${xchans} ch` : `${xchans} × ${ychans}`;
    const row = element(
      'div',
      { class: 'row', role: 'option', title: name, 'data-name': name },
      thumbnail.canvas,
      element(
        'span',
        { class: 'row-text' },
        element('span', { class: 'row-name' }, name),
        element(
          'span',
          { class: 'row-facts' },
          element(
            'span',
            { class: 'row-kind' },
            `${info.type} · ${size}${gate === undefined ? '' : ` · ${gate}`}`,
          ),
          sum,
        ),
      ),
      // For the pointer; the keyboard has + and Alt Enter, and an option contains no button.
      element('span', { class: 'row-add', 'aria-hidden': 'true', title: 'Show in a new plot' }, '+'),
    );
    // A click with Shift selects no text.
    row.addEventListener('mousedown', (event) => {
      if (!event.shiftKey) return;
      event.preventDefault();
      this.#scroller.focus({ preventScroll: true });
    });
    row.addEventListener('click', (event) => {
      this.#active = Math.max(
        0,
        this.#matches.findIndex((match) => match.name === name),
      );
      const isAdd = event.ctrlKey || event.metaKey || (event.target as Element).closest('.row-add') !== null;
      this.#choose(name, event.shiftKey ? 'overlay' : isAdd ? 'add' : 'replace');
      this.#updateRows();
    });
    this.#rowSpace.append(row);
    const created = { element: row, thumbnail };
    this.#rows.set(name, created);
    return created;
  }
}
