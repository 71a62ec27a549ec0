/**
 * The receiver of a message as a program names it, checked. Used by `Client.send`. Pure.
 */
import type { MessageTarget } from '../../protocol/rpc/contract/deliveries.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { checkName } from '../../protocol/base/names.js';
import { checkOptionNames } from '../call-options.js';
import type { SendTarget } from './client-events.js';

const TARGETS = ['client', 'application', 'provider'] as const;

/** Throws BAD_OPTION unless exactly one receiver is named. */
export function targetOf(options: { readonly to: SendTarget }): MessageTarget {
  checkOptionNames('send', options, ['to']);
  const { to } = options;
  checkOptionNames('to', to, TARGETS);
  const target: MessageTarget = { ...to };
  const given = TARGETS.filter((name) => target[name] !== undefined);
  if (given.length !== 1 || (target.application !== undefined && (target.application as unknown) !== true)) {
    const receivers = given.map((name) =>
      name === 'application' ? `application: ${target.application}` : name,
    );
    throw new MirrorflowError(
      'BAD_OPTION',
      `to names ${receivers.join(' and ') || 'no receiver'}; it must be one of { client: name }, { application: true }, { provider: flow }`,
      { option: 'to' },
    );
  }
  if (target.client !== undefined) checkName('client', target.client);
  if (target.provider !== undefined) checkName('flow', target.provider);
  return target;
}
