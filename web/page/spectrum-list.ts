/**
 * The list of spectra: search, tags of type, a live thumbnail for every row in sight. Rows out of
 * sight do not exist.
 */
import { nameMatcher, tagMatcher, type TypeTag } from '../view/search.js';
import { formatCount, formatShortCount } from '../../plotting/numbers.js';
import type { SpectrumInfo } from '../wire/messages.js';
import { element, setText } from './dom.js';
import type { PlotServices } from './plot.js';
import { Thumbnail } from './thumbnail.js';

export type ShowHow = 'instead' | 'over' | 'beside';

interface Row {
  readonly element: HTMLElement;
  readonly thumbnail: Thumbnail;
}

const ROW_PX = 58;
/** Rows made beyond the edge of what is in sight. */
const MARGIN_ROWS = 2;
const TAGS: readonly (readonly [TypeTag, string])[] = [
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
  });
  readonly #services: PlotServices;
  readonly #show: (name: string, how: ShowHow) => void;
  readonly #shown: () => ReadonlySet<string>;
  readonly #scroller = element('div', {
    class: 'list-scroll',
    role: 'listbox',
    'aria-label': 'Spectra',
    tabindex: '0',
  });
  readonly #space = element('div', { class: 'list-space' });
  readonly #count = element('p', { class: 'list-count', role: 'status' });
  readonly #note = element('p', { class: 'list-note' });
  readonly #tags = new Set<TypeTag>();
  readonly #rows = new Map<string, Row>();
  #found: readonly SpectrumInfo[] = [];
  #active = 0;

  constructor(
    services: PlotServices,
    show: (name: string, how: ShowHow) => void,
    shown: () => ReadonlySet<string>,
  ) {
    this.#services = services;
    this.#show = show;
    this.#shown = shown;
    this.#scroller.append(this.#space);
    const chips = TAGS.map(([tag, text]) => this.#chip(tag, text));
    this.element = element(
      'aside',
      { class: 'list', 'aria-label': 'Spectra' },
      element(
        'div',
        { class: 'list-head' },
        this.search,
        element('div', { class: 'tags' }, ...chips, this.#count),
      ),
      this.#note,
      this.#scroller,
    );
    this.search.addEventListener('input', () => this.refresh());
    this.search.addEventListener('keydown', (event) => this.#key(event));
    this.#scroller.addEventListener('keydown', (event) => this.#key(event));
    this.#scroller.addEventListener('scroll', () => this.#place(), { passive: true });
    new ResizeObserver(() => this.#place()).observe(this.#scroller);
    for (const topic of ['list', 'status', 'connection'] as const)
      services.state.on(topic, () => this.refresh());
  }

  refresh(): void {
    const { spectra, status, connected } = this.#services.state;
    const [byName, byTag] = [nameMatcher(this.search.value), tagMatcher(this.#tags)];
    this.#found = (spectra ?? []).filter((info) => byName(info.name) && byTag(info));
    const all = spectra?.length ?? 0;
    setText(this.#count, all === this.#found.length ? `${all} spectra` : `${this.#found.length} of ${all}`);
    const empty =
      spectra === undefined
        ? !connected || status === undefined || status.state === 'connecting'
          ? 'Loading spectra …'
          : (status.cause ?? '')
        : all === 0
          ? 'SpecTcl has no spectra in its display memory yet. Bind some with “sbind -all”.'
          : this.#found.length === 0
            ? 'No spectrum matches. Clear the search with Escape.'
            : '';
    setText(this.#note, empty);
    this.#note.hidden = empty === '';
    this.#space.style.height = `${this.#found.length * ROW_PX}px`;
    this.#active = Math.min(this.#active, Math.max(0, this.#found.length - 1));
    this.#place();
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

  #chip(tag: TypeTag, text: string): HTMLElement {
    const chip = element('button', { type: 'button', class: 'tag', 'aria-pressed': 'false' }, text);
    chip.addEventListener('click', () => {
      if (!this.#tags.delete(tag)) this.#tags.add(tag);
      chip.setAttribute('aria-pressed', String(this.#tags.has(tag)));
      this.refresh();
    });
    return chip;
  }

  #key(event: KeyboardEvent): void {
    const page = Math.max(1, Math.floor(this.#scroller.clientHeight / ROW_PX) - 1);
    const moves: Readonly<Record<string, number>> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
    };
    const move = moves[event.key];
    if (move !== undefined) {
      this.#active = Math.min(Math.max(0, this.#active + move), Math.max(0, this.#found.length - 1));
      const top = this.#active * ROW_PX;
      const { scrollTop, clientHeight } = this.#scroller;
      if (top < scrollTop) this.#scroller.scrollTop = top;
      else if (top + ROW_PX > scrollTop + clientHeight)
        this.#scroller.scrollTop = top + ROW_PX - clientHeight;
      this.#place();
      event.preventDefault();
    } else if (event.key === 'Enter') {
      const name = this.#found[this.#active]?.name;
      if (name !== undefined) this.#show(name, event.shiftKey ? 'over' : event.altKey ? 'beside' : 'instead');
    } else if (event.key === '+' && event.target === this.#scroller) {
      const name = this.#found[this.#active]?.name;
      if (name !== undefined) this.#show(name, 'beside');
    } else if (event.key === 'Escape' && this.search.value !== '') {
      this.search.value = '';
      this.refresh();
    }
  }

  /** Makes the rows in sight, and lets go of the others. */
  #place(): void {
    const { scrollTop, clientHeight } = this.#scroller;
    const first = Math.max(0, Math.floor(scrollTop / ROW_PX) - MARGIN_ROWS);
    const last = Math.min(this.#found.length, Math.ceil((scrollTop + clientHeight) / ROW_PX) + MARGIN_ROWS);
    const wanted = new Map(
      this.#found.slice(first, last).map((info, index) => [info.name, { info, at: first + index }]),
    );
    for (const [name, { thumbnail, element: row }] of this.#rows) {
      if (wanted.has(name)) continue;
      thumbnail.close();
      row.remove();
      this.#rows.delete(name);
    }
    const shown = this.#shown();
    for (const [name, { info, at }] of wanted) {
      const row = this.#rows.get(name) ?? this.#make(info);
      row.element.style.transform = `translateY(${at * ROW_PX}px)`;
      row.element.classList.toggle('is-active', at === this.#active);
      row.element.setAttribute('aria-selected', String(at === this.#active));
      row.element.classList.toggle('is-shown', shown.has(name));
      row.element.id = `row-${at}`;
    }
    this.#scroller.setAttribute('aria-activedescendant', `row-${this.#active}`);
  }

  #make(info: SpectrumInfo): Row {
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
      element(
        'button',
        {
          type: 'button',
          class: 'icon',
          tabindex: '-1',
          'aria-label': `Show ${name} beside`,
          title: 'Show beside',
          onclick: (event: MouseEvent) => {
            event.stopPropagation();
            this.#show(name, 'beside');
          },
        },
        '+',
      ),
    );
    row.addEventListener('click', (event) => {
      this.#active = Math.max(
        0,
        this.#found.findIndex((found) => found.name === name),
      );
      this.#show(name, event.shiftKey ? 'over' : event.ctrlKey || event.metaKey ? 'beside' : 'instead');
      this.#place();
    });
    this.#space.append(row);
    const made = { element: row, thumbnail };
    this.#rows.set(name, made);
    return made;
  }
}
