// SPDX-License-Identifier: MIT
//
// The types of @wsd/client/react.

import type { Gap, Meta, Position, Since, State, SubscribeOptions,
  TokenSource } from './client.js';

export interface SubscriptionOptions extends SubscribeOptions {
  /** Of the server; the page's own, at /ws, if it is left out. */
  url?: string | URL | null;
}

/** Without a tenant it does nothing. */
export function useSubscription<T = unknown>(
  tenant: string | number | null | undefined,
  onUpdate: (data: T, meta: Meta) => void,
  options?: SubscriptionOptions,
): void;

export interface UpdatesOptions {
  /** Of the server; the page's own, at /ws, if it is left out. */
  url?: string | URL | null;
  /** A function should be the same one in all components. */
  token?: TokenSource | null;
  since?: Since;
  /** So many updates, and gaps, are kept; the default is 100. */
  max?: number;
}

export interface Update<T = unknown> extends Position {
  data: T;
  tenant: string;
  time: string;
}

export interface Updates<T = unknown> {
  /** Oldest first. */
  updates: Update<T>[];
  last: Update<T> | null;
  /** idle: there is no tenant. */
  state: State | { readonly name: 'idle' };
  gaps: Gap[];
}

export function useUpdates<T = unknown>(
  tenant: string | number | null | undefined,
  options?: UpdatesOptions,
): Updates<T>;
