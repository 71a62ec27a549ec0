/**
 * Which element of an XML-RPC document may stand where. The package's deserializer takes elements
 * in any order and nesting and would build wrong values from them; this says no before it sees
 * them.
 */
import { MirrorflowError } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';

const TYPES = ['string', 'int', 'i4', 'i8', 'double', 'boolean', 'dateTime.iso8601', 'base64', 'nil'];

interface Rule {
  /**
   * The elements that may stand in it: at position n one of `children[n]`, or any number of `each`.
   */
  readonly children?: readonly (readonly string[])[];
  readonly each?: string;
  /** How many of `children` must be there. */
  readonly required?: number;
  /** Whether text may stand in it (where there is no element). */
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

interface Open {
  readonly name: string;
  readonly rule: Rule;
  children: number;
}

const NOT_BLANK = /[^ \t\r\n]/;

export function parseError(message: string): MirrorflowError {
  return new MirrorflowError('PARSE_ERROR', `not an XML-RPC document: ${message}`);
}

/**
 * Follows the elements of one document. Every method throws PARSE_ERROR at the first one out of
 * place.
 */
export class DocumentGrammar {
  readonly #root: string;
  readonly #open: Open[] = [];
  #seen = false;
  #depth = 0;

  /** `root` is the element that the document must be. */
  constructor(root: 'methodCall' | 'methodResponse') {
    this.#root = root;
  }

  open(name: string): void {
    const rule = RULES.get(name);
    if (rule === undefined) throw parseError(`unknown element <${name.slice(0, 80)}>`);
    const parent = this.#open.at(-1);
    if (parent === undefined) {
      if (this.#seen || name !== this.#root) throw parseError(`<${name}> where <${this.#root}> is expected`);
      this.#seen = true;
    } else {
      const { children = [], each } = parent.rule;
      const fits = each === undefined ? children[parent.children]?.includes(name) : name === each;
      if (fits !== true) throw parseError(`<${name}> cannot stand here in <${parent.name}>`);
      parent.children += 1;
    }
    if (name === 'array' || name === 'struct') this.#depth += 1;
    if (this.#depth > LIMITS.rpcDepth) throw parseError(`nested deeper than ${LIMITS.rpcDepth}`);
    this.#open.push({ name, rule, children: 0 });
  }

  close(name: string): void {
    const top = this.#open.pop();
    if (top?.name !== name) throw parseError(`</${name}> without its beginning`);
    if (top.children < (top.rule.required ?? 0)) throw parseError(`<${name}> is incomplete`);
    if (name === 'array' || name === 'struct') this.#depth -= 1;
  }

  /** Whether this text belongs to a value; blanks between elements do not. */
  takesText(text: string): boolean {
    const top = this.#open.at(-1);
    if (top?.rule.text === true && top.children === 0) return true;
    if (NOT_BLANK.test(text)) throw parseError(`text in <${top?.name ?? 'the document'}>`);
    return false;
  }
}
