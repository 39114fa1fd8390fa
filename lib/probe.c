/* SPDX-License-Identifier: MIT */
#include "probe.h"

static void closed(uv_handle_t *handle)
{
	struct probe *probe = handle->data;

	probe->busy = false;
	probe->done(probe->user, probe->error);
}

static void finish(struct probe *probe, int error)
{
	if (uv_is_closing(&probe->handle))
		return;
	probe->error = error;
	uv_close(&probe->handle, closed);
}

static void connected(uv_connect_t *request, int error)
{
	finish(request->data, error);
}

int probe_start(struct probe *probe, uv_loop_t *uv, const char *path,
		const struct sockaddr *address,
		void (*done)(void *user, int error), void *user)
{
	int error = path ? uv_pipe_init(uv, &probe->pipe, 0)
			 : uv_tcp_init(uv, &probe->tcp);

	if (error)
		return error;
	probe->handle.data = probe;
	probe->request.data = probe;
	probe->done = done;
	probe->user = user;
	probe->busy = true;
	if (path)
		uv_pipe_connect(&probe->request, &probe->pipe, path, connected);
	else
		error = uv_tcp_connect(&probe->request, &probe->tcp, address,
				       connected);
	if (error)
		finish(probe, error);
	return 0;
}

void probe_cancel(struct probe *probe)
{
	finish(probe, UV_ECANCELED);
}
