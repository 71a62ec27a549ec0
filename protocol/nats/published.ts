/**
 * Which applications and flows a host publishes to other sites: those that a rule of the
 * configuration names, except private applications, which only users of this machine may read. Used
 * by the NATS process and the host server. Pure.
 */
import type { ApplicationInfo } from '../rpc/contract/shapes.js';
import type { PublishRule } from './options.js';

/**
 * The rule for an application; undefined: it is not published. One without readers has not reported
 * whom it admits.
 */
export function ruleFor(
  rules: readonly PublishRule[],
  { name, readers }: Pick<ApplicationInfo, 'name' | 'readers'>,
): PublishRule | undefined {
  // As at a gateway: readers of other machines are unknown users.
  const isPrivate = readers === undefined || (!readers.everyone && readers.groups.length === 0);
  return isPrivate ? undefined : rules.find(({ app }) => app === name);
}

export function mayPublish(
  rules: readonly PublishRule[],
  application: Pick<ApplicationInfo, 'name' | 'readers'>,
): boolean {
  return ruleFor(rules, application) !== undefined;
}

/** Whether a flow of a published application is published: all are where the rule names none. */
export function publishesFlow({ flows }: PublishRule, flow: string): boolean {
  return flows === undefined || flows.includes(flow);
}
