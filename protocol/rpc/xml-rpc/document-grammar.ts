/**
 * The grammar of XML-RPC documents: which element may contain which. The deserializer of the
 * package `xmlrpc` accepts elements in any order and nesting and would build wrong values from
 * them; `decoding.ts` checks every element and text here first. Pure.
 */
import { MirrorflowError } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';

const TYPES = ['string', 'int', 'i4', 'i8', 'double', 'boolean', 'dateTime.iso8601', 'base64', 'nil'];

interface Rule {
  /** Child elements by position: the child at position n is one of `children[n]`. */
  readonly children?: readonly (readonly string[])[];
  /** Instead of `children`: any number of this element. */
  readonly each?: string;
  /** Number of required `children`. */
  readonly required?: number;
  /** Whether the element may contain text instead of child elements. */
  readonly text?: boolean;
}

const TEXT: Rule = { text: true };

const RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ['methodCall', { children: [['methodName'], ['params']], required: 1 }],
  ['methodResponse', { children: [['params', 'fault']], required: 1 }],
  ['methodName', TEXT],
  ['params', { each: 'param' }],
  ['param', { children: [['value']], required: 1 }],
  ['fault', { children: [['value']], required: 1 }],
  ['value', { children: [['array', 'struct', ...TYPES]], required: 0, text: true }],
  ['array', { children: [['data']], required: 1 }],
  ['data', { each: 'value' }],
  ['struct', { each: 'member' }],
  ['member', { children: [['name'], ['value']], required: 2 }],
  ['name', TEXT],
  ...TYPES.map((type): [string, Rule] => [type, TEXT]),
]);

interface OpenElement {
  readonly name: string;
  readonly rule: Rule;
  children: number;
}

const NOT_BLANK = /[^ \t\r\n]/;

export function parseError(message: string): MirrorflowError {
  return new MirrorflowError('PARSE_ERROR', `not an XML-RPC document: ${message}`);
}

/** Checks the elements of one document in order. Each method throws PARSE_ERROR. */
export class DocumentGrammar {
  readonly #root: string;
  readonly #open: OpenElement[] = [];
  #rootSeen = false;
  #depth = 0;

  /** `root` is the required root element. */
  constructor(root: 'methodCall' | 'methodResponse') {
    this.#root = root;
  }

  open(name: string): void {
    const rule = RULES.get(name);
    if (rule === undefined) throw parseError(`unknown element <${name.slice(0, 80)}>`);
    const parent = this.#open.at(-1);
    if (parent === undefined) {
      if (this.#rootSeen || name !== this.#root) {
        throw parseError(`<${name}> where <${this.#root}> is expected`);
      }
      this.#rootSeen = true;
    } else {
      const { children = [], each } = parent.rule;
      const isAllowed = each === undefined ? children[parent.children]?.includes(name) : name === each;
      if (isAllowed !== true)
        throw parseError(`<${name}> is not allowed at this position in <${parent.name}>`);
      parent.children += 1;
    }
    if (name === 'array' || name === 'struct') this.#depth += 1;
    if (this.#depth > LIMITS.rpcDepthLevels) throw parseError(`nested deeper than ${LIMITS.rpcDepthLevels}`);
    this.#open.push({ name, rule, children: 0 });
  }

  close(name: string): void {
    const top = this.#open.pop();
    if (top?.name !== name) throw parseError(`</${name}> without <${name}>`);
    if (top.children < (top.rule.required ?? 0)) throw parseError(`<${name}> is incomplete`);
    if (name === 'array' || name === 'struct') this.#depth -= 1;
  }

  /** Whether this text is the content of a value; white space between elements is not. */
  acceptsText(text: string): boolean {
    const top = this.#open.at(-1);
    if (top?.rule.text === true && top.children === 0) return true;
    if (NOT_BLANK.test(text)) throw parseError(`unexpected text in <${top?.name ?? 'the document'}>`);
    return false;
  }
}
