// SPDX-License-Identifier: MIT
//
// The types of @wsd/client.

/** An update of a tenant has a number in an epoch. */
export interface Position {
  epoch: string;
  seq: number;
}

/**
 * From where updates come: null from now on; 'all' that is retained; the last
 * so many; what is not older than an age ('10m', seconds without a unit); or
 * what followed the update at a position.
 */
export type Since = null | 'all' | number | { age: string | number } | Position;

export interface Meta extends Position {
  readonly tenant: string;
  readonly epoch: string;
  readonly seq: number;
  /** When the server took it, such as '2026-01-01T00:00:00.000Z'. */
  readonly time: string;
  /** The update as it was published, where a number may have more digits. */
  readonly text: string;
}

/**
 * Updates are missing: those from `from` to `to`, or nobody knows how many
 * (`restart`: the server was started anew; `source`: who publishes has lost
 * some, before update `seq`).
 */
export interface Gap {
  tenant: string;
  epoch: string;
  from?: number;
  to?: number;
  seq?: number;
  /** history, slow, restart, source; unknown: the server did not tell why. */
  reason: string;
}

export interface Detail {
  /** The code with which the connection was closed, where it was. */
  readonly code?: number;
  /** For people. */
  readonly message?: string;
}

export interface Connecting {
  readonly name: 'connecting';
}

export interface Live {
  readonly name: 'live';
}

/** There is no connection; it will be tried again. */
export interface Waiting extends Detail {
  readonly name: 'waiting';
  /** When, in milliseconds since 1970; absent while the page is suspended. */
  readonly at?: number;
  /**
   * unreachable, lost, offline (the browser says so), token (none could be
   * had), suspended (the page is in the browser's cache, or frozen), draining,
   * slow, token-expired, rate-limited, over-capacity, auth-required,
   * auth-failed, forbidden; others may come.
   */
  readonly why: string;
}

/** Nothing will come any more. */
export interface Closed extends Detail {
  readonly name: 'closed';
  /**
   * closed (by the page), forbidden, auth-required, auth-failed, bad-tenant,
   * bad-request, bad-url, too-many-subscriptions; others may come.
   */
  readonly why: string;
}

export type State = Connecting | Live | Waiting | Closed;

/**
 * A token, or a function that gets one: for each connection, when the one that
 * was shown expires, and once more when it was refused.
 */
export type TokenSource = string |
  ((context: { reason: 'connect' | 'expiring' | 'refused' }) =>
    string | null | undefined | Promise<string | null | undefined>);

export interface SubscribeOptions {
  token?: TokenSource | null;
  since?: Since;
  onGap?: (gap: Gap) => void;
  onState?: (state: State) => void;
}

export interface Subscription {
  readonly tenant: string;
  readonly state: State;
  /** Of the last update, to be given as `since`; null: nothing is known yet. */
  readonly position: Position | null;
  /** Nothing is called any more. */
  close(): void;
}

/**
 * Calls `onUpdate` for each update of a tenant, until it is closed. Without a
 * URL the server is the page's own, at /ws.
 */
export function subscribe<T = unknown>(
  url: string | URL | null | undefined,
  tenant: string | number,
  onUpdate: (data: T, meta: Meta) => void,
  options?: SubscribeOptions,
): Subscription;

export interface PublishOptions {
  token?: TokenSource | null;
  /** An update of a key that was published within 10 minutes is not again. */
  key?: string;
}

export interface Published {
  tenant: string;
  epoch: string;
  /** Absent where it is a duplicate of which the number is not known. */
  seq?: number;
  subscribers: number;
  duplicate: boolean;
}

/** What publish() fails with: `code` is such as forbidden or too-large. */
export interface PublishError extends Error {
  code: string;
}

/**
 * Publishes an update; settled when the server has it, or refuses it. Without a
 * connection it waits for one.
 */
export function publish(
  url: string | URL | null | undefined,
  tenant: string | number,
  data: unknown,
  options?: PublishOptions,
): Promise<Published>;
