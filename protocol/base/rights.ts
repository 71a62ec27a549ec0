/**
 * The rights of a caller, each including the ones before it. Every method of the contract states
 * the right that it needs; an application has a socket and a token file for each right that users
 * can be granted. The dispatcher, paths, access and the client library use it. Pure.
 *
 * | right     | what it permits                                                             |
 * | --------- | --------------------------------------------------------------------------- |
 * | `read`    | look at everything, read flows, open any configured mirror                  |
 * | `provide` | define and write flows, send messages                                       |
 * | `control` | start, stop, restart, change                                                |
 * | `child`   | report as a process that a server of this system has started, or call one    |
 */

/** The rights that users of an application can be granted. */
export const USER_RIGHTS = ['read', 'provide', 'control'] as const;
export type UserRight = (typeof USER_RIGHTS)[number];

/** A host server has no flows, so it has no providers. */
export const HOST_RIGHTS = ['read', 'control'] as const satisfies readonly UserRight[];
export type HostRight = (typeof HOST_RIGHTS)[number];

export const RIGHTS = [...USER_RIGHTS, 'child'] as const;
export type Right = (typeof RIGHTS)[number];

/** Whether a caller with the right `granted` may do what needs the right `needed`. */
export function includesRight(granted: Right, needed: Right): boolean {
  return RIGHTS.indexOf(granted) >= RIGHTS.indexOf(needed);
}
