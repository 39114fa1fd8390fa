/* SPDX-License-Identifier: MIT */
#include "pubsub.h"

#include "num.h"

#include <errno.h>
#include <string.h>

static void subscribe_all(struct pubsub *p);

static void stop(void *self)
{
	struct pubsub *p = self;

	if (p->redis && !p->closed)
		redis_close(p->redis);
	p->closed = true;
}

static void fail(struct pubsub *p, enum exits status)
{
	if (p->closed)
		return;
	stop(p);
	p->events->failed(p->user, status);
}

static size_t wanted(const struct pubsub *p)
{
	return p->config->channels_count + p->config->patterns_count;
}

static void on_confirmed(void *user, const struct redisreply *reply)
{
	struct pubsub *p = user;

	if (!reply || p->closed)
		return;
	if (redisreply_is_error(reply, NULL)) {
		diag(p->config->diag, DIAG_ERROR,
		     "'%s' refuses a subscription: %.*s", redis_shown(p->redis),
		     (int)reply->len, reply->text);
		fail(p, EXIT_REFUSED);
		return;
	}
	if (++p->confirmed != wanted(p))
		return;
	diag(p->config->diag, DIAG_NOTE, "subscribed at '%s'",
	     redis_shown(p->redis));
	/* Of one channel something may have come before another was there. */
	p->events->ready(p->user, p->early && p->was_ready);
	p->was_ready = true;
}

static void subscribe(struct pubsub *p, enum redisqueue_kind kind,
		      const char *const *names, size_t count)
{
	for (size_t i = 0; i < count && !p->closed; i++) {
		if (redis_subscribe(p->redis, kind, names[i], strlen(names[i]),
				    on_confirmed, p) == 0)
			continue;
		diag(p->config->diag, DIAG_ERROR, "cannot subscribe: %s",
		     strerror(errno));
		fail(p, EXIT_OTHER);
	}
}

static void subscribe_all(struct pubsub *p)
{
	const struct pubsub_config *c = p->config;

	p->confirmed = 0;
	p->early = false;
	subscribe(p, REDISQUEUE_SUBSCRIBE, c->channels, c->channels_count);
	subscribe(p, REDISQUEUE_PSUBSCRIBE, c->patterns, c->patterns_count);
}

static void on_ready(void *user)
{
	subscribe_all(user);
}

static struct request_text text_of(const struct redisreply *reply)
{
	return (struct request_text){reply->text, reply->len};
}

static void on_push(void *user, const struct redispush *push)
{
	struct pubsub *p = user;

	if (p->closed)
		return;
	if (push->kind == REDISPUSH_MESSAGE) {
		p->early |= p->confirmed < wanted(p);
		p->events->message(p->user,
				   &(struct origin){
					   .channel = text_of(push->channel),
					   .message = text_of(push->payload),
				   });
		return;
	}
	diag(p->config->diag, DIAG_WARN, "'%s' ended a subscription",
	     redis_shown(p->redis));
	p->events->broken(p->user, true);
	subscribe_all(p);
}

static void on_lost(void *user, const struct redis_loss *loss)
{
	struct pubsub *p = user;
	char time[NUM_TEXT_MAX];

	if (loss->final)
		diag(p->config->diag, DIAG_ERROR, "%s", loss->text);
	else
		diag(p->config->diag, DIAG_WARN, "%s; trying again in %s",
		     loss->text, num_show_duration(time, loss->retry_ms));
	if (loss->connected)
		p->events->broken(p->user, true);
	if (loss->final)
		fail(p, loss->status);
}

static const struct redis_events redis_events = {
	.ready = on_ready,
	.push = on_push,
	.lost = on_lost,
};

void pubsub_init(struct pubsub *p, const struct pubsub_config *config,
		 const struct source_events *events, void *user)
{
	memset(p, 0, sizeof(*p));
	p->config = config;
	p->events = events;
	p->user = user;
}

static enum exits start(void *self, uv_loop_t *uv)
{
	struct pubsub *p = self;
	const struct redis_config config = {
		.url = p->config->url,
		.user = p->config->user,
		.password = p->config->password,
		.name = p->config->name,
		.retry = true,
	};
	const char *why = NULL;

	p->redis = redis_new(uv, &config, &redis_events, p, &why);
	if (p->redis)
		return EXIT_DONE;
	/* Without the URL, which may have a password. */
	diag(p->config->diag, DIAG_ERROR, "cannot connect to Redis: %s", why);
	return EXIT_USAGE;
}

static void allow(void *self, size_t messages)
{
	struct pubsub *p = self;

	if (p->redis && !p->closed)
		redis_pause(p->redis, !messages);
}

static bool idle(const void *self)
{
	(void)self;
	return true;
}

static void release(void *self)
{
	struct pubsub *p = self;

	p->closed = true;
	redis_free(p->redis);
	p->redis = NULL;
}

const struct source_ops pubsub_ops = {
	.start = start,
	.allow = allow,
	.idle = idle,
	.stop = stop,
	.release = release,
};
