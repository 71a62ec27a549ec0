/**
 * The part of a canvas context that the drawing functions of plots use, which writes SVG instead
 * of pixels. `picture-export.ts` draws a plot on it. Measures texts with a canvas.
 */
interface DrawingState {
  fillStyle: string;
  strokeStyle: string;
  lineWidth: number;
  lineJoin: string;
  font: string;
  textAlign: string;
  textBaseline: string;
  globalAlpha: number;
  dash: readonly number[];
  transform: string;
  clip: string;
}

const ANCHORS: Readonly<Record<string, string>> = { center: 'middle', right: 'end', end: 'end' };
/** From the place of a text to its base line, in heights of the font. */
const BASELINES: Readonly<Record<string, number>> = { top: 0.82, middle: 0.34, bottom: -0.22 };

export class SvgContext {
  imageSmoothingEnabled = true;
  #state: DrawingState = {
    fillStyle: '#000',
    strokeStyle: '#000',
    lineWidth: 1,
    lineJoin: 'miter',
    font: '10px sans-serif',
    textAlign: 'left',
    textBaseline: 'alphabetic',
    globalAlpha: 1,
    dash: [],
    transform: '',
    clip: '',
  };
  readonly #saved: DrawingState[] = [];
  readonly #elements: string[] = [];
  readonly #clips: string[] = [];
  readonly #measure = document.createElement('canvas').getContext('2d');
  #path = '';

  /** The whole document; `title` is read by screen readers. */
  document(width: number, height: number, title: string): string {
    return [
      `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`,
      `<title>${escaped(title)}</title>`,
      `<defs>${this.#clips.join('')}</defs>`,
      ...this.#elements,
      '</svg>\n',
    ].join('\n');
  }

  save(): void {
    this.#saved.push({ ...this.#state });
  }

  restore(): void {
    this.#state = this.#saved.pop() ?? this.#state;
  }

  translate(x: number, y: number): void {
    this.#state.transform += `translate(${short(x)} ${short(y)})`;
  }

  rotate(radians: number): void {
    this.#state.transform += `rotate(${short((radians * 180) / Math.PI)})`;
  }

  setLineDash(dash: readonly number[]): void {
    this.#state.dash = dash;
  }

  beginPath(): void {
    this.#path = '';
  }

  moveTo(x: number, y: number): void {
    this.#path += `M${short(x)} ${short(y)}`;
  }

  lineTo(x: number, y: number): void {
    this.#path += `L${short(x)} ${short(y)}`;
  }

  closePath(): void {
    this.#path += 'Z';
  }

  rect(x: number, y: number, width: number, height: number): void {
    this.#path += `M${short(x)} ${short(y)}h${short(width)}v${short(height)}h${short(-width)}Z`;
  }

  clip(): void {
    const id = `c${this.#clips.length}`;
    const { transform } = this.#state;
    const moved = transform === '' ? '' : ` transform="${transform}"`;
    this.#clips.push(`<clipPath id="${id}"><path d="${this.#path}"${moved}/></clipPath>`);
    this.#state.clip = id;
  }

  fill(): void {
    this.#add(`path d="${this.#path}"`, this.#fillPaint());
  }

  stroke(): void {
    this.#add(`path d="${this.#path}"`, this.#strokePaint());
  }

  fillRect(x: number, y: number, width: number, height: number): void {
    this.#add(rectOf(x, y, width, height), this.#fillPaint());
  }

  strokeRect(x: number, y: number, width: number, height: number): void {
    this.#add(rectOf(x, y, width, height), this.#strokePaint());
  }

  fillText(text: string, x: number, y: number, most?: number): void {
    this.#addText(text, x, y, this.#fillPaint(), most);
  }

  strokeText(text: string, x: number, y: number, most?: number): void {
    this.#addText(text, x, y, this.#strokePaint(), most);
  }

  measureText(text: string): { readonly width: number } {
    if (this.#measure === null) return { width: 0 };
    this.#measure.font = this.#state.font;
    return this.#measure.measureText(text);
  }

  drawImage(image: HTMLCanvasElement, x: number, y: number, width: number, height: number): void {
    const place = `x="${short(x)}" y="${short(y)}" width="${short(width)}" height="${short(height)}"`;
    const style = this.imageSmoothingEnabled ? '' : ' style="image-rendering:pixelated"';
    this.#add(`image ${place} preserveAspectRatio="none" href="${image.toDataURL()}"`, style);
  }

  #addText(text: string, x: number, y: number, paint: string, most?: number): void {
    const { font, textAlign, textBaseline } = this.#state;
    const size = Number(/([\d.]+)px/.exec(font)?.[1] ?? 10);
    const weight = /^(\d+) /.exec(font)?.[1] ?? '400';
    const baseline = y + size * (BASELINES[textBaseline] ?? 0);
    const width = this.measureText(text).width;
    const squeezed =
      most !== undefined && width > most
        ? ` textLength="${short(most)}" lengthAdjust="spacingAndGlyphs"`
        : '';
    const tag =
      `text x="${short(x)}" y="${short(baseline)}" font-family="system-ui, sans-serif" font-size="${size}" ` +
      `font-weight="${weight}" text-anchor="${ANCHORS[textAlign] ?? 'start'}"${squeezed}`;
    this.#add(tag, paint, escaped(text));
  }

  #fillPaint(): string {
    return ` fill="${escaped(this.#state.fillStyle)}"`;
  }

  #strokePaint(): string {
    const { strokeStyle, lineWidth, lineJoin, dash } = this.#state;
    const dashes = dash.length === 0 ? '' : ` stroke-dasharray="${dash.join(' ')}"`;
    return ` fill="none" stroke="${escaped(strokeStyle)}" stroke-width="${lineWidth}" stroke-linejoin="${lineJoin}"${dashes}`;
  }

  #add(tag: string, paint: string, content = ''): void {
    const { transform, clip, globalAlpha } = this.#state;
    const name = tag.split(' ', 1)[0] ?? '';
    const moved = transform === '' ? '' : ` transform="${transform}"`;
    const opacity = globalAlpha === 1 ? '' : ` opacity="${globalAlpha}"`;
    const drawn = `<${tag}${paint}${opacity}${moved}>${content}</${name}>`;
    // On a group: a clip moves with the transform of the element that has it.
    this.#elements.push(clip === '' ? drawn : `<g clip-path="url(#${clip})">${drawn}</g>`);
  }

  get fillStyle(): string {
    return this.#state.fillStyle;
  }

  set fillStyle(value: string) {
    this.#state.fillStyle = value;
  }

  get strokeStyle(): string {
    return this.#state.strokeStyle;
  }

  set strokeStyle(value: string) {
    this.#state.strokeStyle = value;
  }

  get lineWidth(): number {
    return this.#state.lineWidth;
  }

  set lineWidth(value: number) {
    this.#state.lineWidth = value;
  }

  get lineJoin(): string {
    return this.#state.lineJoin;
  }

  set lineJoin(value: string) {
    this.#state.lineJoin = value;
  }

  get font(): string {
    return this.#state.font;
  }

  set font(value: string) {
    this.#state.font = value;
  }

  get textAlign(): string {
    return this.#state.textAlign;
  }

  set textAlign(value: string) {
    this.#state.textAlign = value;
  }

  get textBaseline(): string {
    return this.#state.textBaseline;
  }

  set textBaseline(value: string) {
    this.#state.textBaseline = value;
  }

  get globalAlpha(): number {
    return this.#state.globalAlpha;
  }

  set globalAlpha(value: number) {
    this.#state.globalAlpha = value;
  }
}

function rectOf(x: number, y: number, width: number, height: number): string {
  return `rect x="${short(x)}" y="${short(y)}" width="${short(width)}" height="${short(height)}"`;
}

/** To a hundredth of a pixel. */
function short(value: number): number {
  return Math.round(value * 100) / 100;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
