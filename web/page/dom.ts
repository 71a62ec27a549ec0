/** Elements in one expression: tag, attributes and listeners, children. */
type Child = Node | string | undefined;
type Attributes = Readonly<Record<string, string | boolean | undefined | ((event: never) => void)>>;

/**
 * `onclick` and the like take functions; false and undefined leave an attribute out. Text is never
 * read as HTML.
 */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  apply(made, attributes);
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

const SVG = 'http://www.w3.org/2000/svg';

export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): SVGElementTagNameMap[K] {
  const made = document.createElementNS(SVG, tag);
  apply(made, attributes);
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

function apply(made: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') made.addEventListener(name.slice(2), value as EventListener);
    else if (value !== undefined && value !== false) made.setAttribute(name, value === true ? '' : value);
  }
}

/** Sets a text only when it differs, which keeps layout and screen readers quiet. */
export function setText(node: Element, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

/** A list box of choices. */
export function selectBox<T extends string>(
  label: string,
  choices: readonly (readonly [value: T, text: string])[],
  value: T,
  chosen: (value: T) => void,
): HTMLSelectElement {
  const select = element(
    'select',
    { 'aria-label': label, title: label },
    ...choices.map(([name, text]) => element('option', { value: name }, text)),
  );
  select.value = value;
  select.addEventListener('change', () => chosen(select.value as T));
  return select;
}
