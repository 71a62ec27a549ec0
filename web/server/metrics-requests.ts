/**
 * Answers `/metrics`, which Prometheus scrapes: gathers what `metrics.ts` writes as text.
 * `WebServer` calls it. Reads pictures from `Applications`, and /proc for the memory of their
 * processes.
 */
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Applications } from './applications.js';
import { sendText } from './http.js';
import { metricsText } from './metrics.js';
import type { RequestAccess } from './request-access.js';

/** Memory pages are 4 KiB on every supported machine. */
const MEMORY_PAGE_BYTES = 4_096;

export class MetricsRequests {
  readonly #access: RequestAccess;
  readonly #applications: Applications;
  readonly #version: string;
  /** The number of connected browser pages. */
  readonly #pages: () => number;
  readonly #startedMs = performance.now();

  constructor(access: RequestAccess, applications: Applications, version: string, pages: () => number) {
    this.#access = access;
    this.#applications = applications;
    this.#version = version;
    this.#pages = pages;
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!this.#access.mayView(request)) {
      response.setHeader('WWW-Authenticate', 'Bearer');
      return sendText(response, 401, 'Send the shared secret as bearer token.');
    }
    const picture = await this.#applications.pictureForMetrics(this.#access.maySee(request));
    const trends = this.#applications.trendMetrics(this.#access.maySee(request));
    const pids = picture.applications.flatMap((app) => [
      app.pid,
      app.recorder?.pid,
      ...app.flows.map(({ pid }) => pid),
    ]);
    const viewer = {
      pages: this.#pages(),
      residentBytes: process.memoryUsage.rss(),
      uptimeS: (performance.now() - this.#startedMs) / 1_000,
      version: this.#version,
    };
    response.setHeader('Content-Type', 'text/plain; version=0.0.4; charset=utf-8');
    response.setHeader('Cache-Control', 'no-store');
    response.writeHead(200).end(metricsText(picture, viewer, residentBytes(pids), trends));
  }
}

/**
 * Resident memory of processes by id, in bytes: proc(5), /proc/pid/statm, second field, in memory
 * pages. Leaves out processes that ended or belong to another user.
 */
function residentBytes(pids: readonly (number | undefined)[]): Map<number, number> {
  const bytes = new Map<number, number>();
  for (const pid of pids) {
    if (pid === undefined) continue;
    try {
      const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
      if (Number.isFinite(pages)) bytes.set(pid, pages * MEMORY_PAGE_BYTES);
    } catch {
      // The process ended in between.
    }
  }
  return bytes;
}
