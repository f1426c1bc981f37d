#include "report/tee.h"

static void tee_tell(struct observer *o, const struct event *e)
{
	struct tee *t = (struct tee *)o;

	for (size_t i = 0; i < t->count; i++)
		t->listeners[i]->tell(t->listeners[i], e);
}

void tee_init(struct tee *t)
{
	*t = (struct tee){ .observer.tell = tee_tell };
}

void tee_add(struct tee *t, struct observer *listener)
{
	if (listener && t->count < TEE_MAX)
		t->listeners[t->count++] = listener;
}
