/**
 * The permissions of the sites of a collaboration, as configuration of nats-server: each site may
 * publish under its own name only, and read what all publish. Called by `mirrorflow nats
 * permissions`. Pure but for the passwords: names in, text out.
 */
import { randomBytes } from 'node:crypto';
import { NatsSubjects, subjectToken } from './subjects.js';

export interface PermissionRequest {
  readonly prefix: string;
  /** Sites, at most one entry for each. */
  readonly sites: readonly string[];
  /**
   * The JetStream domain of this server, a hub whose sites are leaf nodes: bucket and streams are
   * in it. Undefined: the hosts of the sites are clients of this server.
   */
  readonly hubDomain: string | undefined;
}

interface SitePermissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

/** Operations on the bucket of all sites that every site needs. */
const BUCKET_OPERATIONS = ['STREAM.INFO', 'STREAM.CREATE', 'CONSUMER.CREATE', 'CONSUMER.INFO'] as const;
/** Operations on its own stream that only the publishing site may ask for. */
const OWN_OPERATIONS = ['STREAM.CREATE', 'STREAM.UPDATE', 'STREAM.INFO', 'STREAM.PURGE'] as const;
/** Operations on the stream of another site that its receivers need; no operation changes it. */
const READ_OPERATIONS = [
  'STREAM.INFO',
  'STREAM.MSG.GET',
  'DIRECT.GET',
  'CONSUMER.CREATE',
  'CONSUMER.INFO',
  'CONSUMER.MSG.NEXT',
] as const;
/** What one site may do: its hosts as clients, or its leaf node. */
export function sitePermissions(
  { prefix, sites, hubDomain }: PermissionRequest,
  site: string,
): SitePermissions {
  const own = new NatsSubjects(prefix, site);
  const token = subjectToken(site);
  const isLeaf = hubDomain !== undefined;
  // A leaf node names the domain that it asks.
  const api = isLeaf ? `$JS.${hubDomain}.API` : '$JS.API';
  const entries = `$KV.${own.bucket}.${token}.>`;
  // A hub passes a subscription to a leaf node only where all that it covers may be published, and
  // publishers subscribe to the reports of all sites at once.
  const reports = isLeaf
    ? [`${prefix}.take.>`]
    : [`${prefix}.take.*.*.*.${token}`, `${prefix}.take.*.*.*.${token}.>`];
  return {
    publish: [
      own.allData,
      ...reports,
      `${prefix}.ask.*.*.${token}`,
      `${prefix}.inbox.>`,
      entries,
      ...(isLeaf ? [`${api}.${entries}`] : []),
      `${api}.INFO`,
      ...onStream(api, BUCKET_OPERATIONS, `KV_${own.bucket}`),
      ...onStream(api, OWN_OPERATIONS, own.stream),
      ...sites.flatMap((name) => onStream(api, READ_OPERATIONS, new NatsSubjects(prefix, name).stream)),
      '$JS.ACK.>',
      '$JS.FC.>',
    ],
    subscribe: [
      `${prefix}.data.>`,
      `${prefix}.take.${token}.>`,
      `${prefix}.ask.${token}.>`,
      `${own.inbox}.>`,
    ],
  };
}

/** Consumers and messages have further parts in their subjects. */
function onStream(api: string, operations: readonly string[], stream: string): string[] {
  return operations.flatMap((operation) => {
    const subject = `${api}.${operation}.${stream}`;
    const isWhole = operation.startsWith('STREAM') && operation !== 'STREAM.MSG.GET';
    return isWhole ? [subject] : [subject, `${subject}.>`];
  });
}

/** An account with a user for each site; passwords are new ones each time. */
export function permissionConfiguration(request: PermissionRequest): string {
  const users = request.sites.map((site) => {
    const { publish, subscribe } = sitePermissions(request, site);
    return [
      '    {',
      `      user: ${quoted(site)}`,
      `      password: ${quoted(randomBytes(24).toString('base64url'))}`,
      '      permissions: {',
      '        publish: {',
      ...subjectList('allow', publish),
      '        }',
      '        subscribe: {',
      ...subjectList('allow', subscribe),
      '        }',
      '      }',
      '    }',
    ].join('\n');
  });
  return [
    `# The sites of ${request.prefix}: include this file in the configuration of nats-server.`,
    'accounts: {',
    `  ${request.prefix}: {`,
    '    jetstream: enabled',
    '    users: [',
    users.join('\n'),
    '    ]',
    '  }',
    '}',
    '',
  ].join('\n');
}

function subjectList(kind: string, subjects: readonly string[]): string[] {
  return [
    `          ${kind}: [`,
    ...subjects.map((subject) => `            ${quoted(subject)}`),
    '          ]',
  ];
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
