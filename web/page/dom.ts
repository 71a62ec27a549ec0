/**
 * Creation of HTML and SVG elements in one expression: tag, attributes and listeners, children.
 * Used by every view of the page instead of a framework. Inserts nothing into the document itself.
 */
type Child = Node | string | undefined;
type Attributes = Readonly<Record<string, string | boolean | undefined | ((event: never) => void)>>;

/**
 * Functions are listeners (`onclick`); false and undefined leave an attribute out. Text is never
 * parsed as HTML.
 */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const created = document.createElement(tag);
  apply(created, attributes);
  created.append(...children.filter((child) => child !== undefined));
  return created;
}

const SVG = 'http://www.w3.org/2000/svg';

export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): SVGElementTagNameMap[K] {
  const created = document.createElementNS(SVG, tag);
  apply(created, attributes);
  created.append(...children.filter((child) => child !== undefined));
  return created;
}

function apply(target: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') target.addEventListener(name.slice(2), value as EventListener);
    else if (value !== undefined && value !== false) target.setAttribute(name, value === true ? '' : value);
  }
}

/** Sets a text only when it differs, which avoids layout and repeated screen reader output. */
export function setText(node: Element, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * Builds a part of the document again without losing the focus: where the focused element was
 * replaced, the new one with the same `data-key` gets it, or else what contains the part.
 */
export function keepFocus(container: Element, build: () => void): void {
  const focused = document.activeElement;
  const key = container.contains(focused) ? focused?.getAttribute('data-key') : undefined;
  build();
  if (typeof key !== 'string' || container.contains(focused)) return;
  const all = container.querySelectorAll<HTMLElement | SVGElement>('[data-key]');
  const next = [...all].find((candidate) => candidate.dataset['key'] === key);
  (next ?? container.closest<HTMLElement>('[tabindex]'))?.focus({ preventScroll: true });
}

/** A select element; `changed` receives the chosen value. */
export function selectBox<T extends string>(
  label: string,
  options: readonly (readonly [value: T, text: string])[],
  value: T,
  changed: (value: T) => void,
): HTMLSelectElement {
  const select = element(
    'select',
    { 'aria-label': label, title: label },
    ...options.map(([name, text]) => element('option', { value: name }, text)),
  );
  select.value = value;
  select.addEventListener('change', () => changed(select.value as T));
  return select;
}
