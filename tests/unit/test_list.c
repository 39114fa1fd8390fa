/* SPDX-License-Identifier: MIT */
/* What list promises, one line a promise. */
#include "list.h"
#include "tap.h"

#include <string.h>

struct letter {
	char name;
	struct list node;
};

static struct letter *letter_of(struct list *node)
{
	return list_entry(node, struct letter, node);
}

/* Whether the list has these letters, forwards and backwards. */
static bool reads(struct list *head, const char *want)
{
	struct list *back = head->prev;
	size_t n = strlen(want);
	size_t i = 0;

	list_for_each (node, head) {
		if (i == n || letter_of(node)->name != want[i++])
			return false;
	}
	for (; i; back = back->prev)
		if (letter_of(back)->name != want[--i])
			return false;
	return back == head && list_empty(head) == !n;
}

/* Makes a list of the letters of a text. */
static void spell(struct list *head, struct letter *letters, const char *text)
{
	list_init(head);
	for (size_t i = 0; text[i]; i++) {
		letters[i].name = text[i];
		list_append(head, &letters[i].node);
	}
}

static bool appends_and_inserts(void)
{
	struct letter letters[4];
	struct letter x = {.name = 'x'};
	struct list head;
	bool pass;

	spell(&head, letters, "");
	pass = reads(&head, "");
	spell(&head, letters, "abc");
	pass = pass && reads(&head, "abc");
	list_insert(&letters[0].node, &x.node);
	pass = pass && reads(&head, "axbc");
	list_remove(&x.node);
	list_insert(&head, &x.node);
	return pass && reads(&head, "xabc");
}

static bool removes(void)
{
	struct letter letters[3];
	struct list head;
	bool pass;

	spell(&head, letters, "abc");
	list_remove(&letters[1].node);
	pass = reads(&head, "ac") && list_empty(&letters[1].node);
	list_remove(&letters[1].node);
	return pass && reads(&head, "ac");
}

static bool loops_while_removing(void)
{
	struct letter letters[5];
	struct list head;

	spell(&head, letters, "abcde");
	list_for_each_safe (node, &head) {
		if (letter_of(node)->name != 'c')
			list_remove(node);
	}
	return reads(&head, "c");
}

static bool splices(const char *to, const char *from, const char *want)
{
	struct letter to_letters[4];
	struct letter from_letters[4];
	struct list to_head;
	struct list from_head;

	spell(&to_head, to_letters, to);
	spell(&from_head, from_letters, from);
	list_splice(&to_head, &from_head);
	return reads(&to_head, want) && reads(&from_head, "");
}

int main(void)
{
	ok(appends_and_inserts(), "appends at the end, inserts behind a node");
	ok(removes(), "removes, and once more without harm");
	ok(loops_while_removing(), "the body of a safe loop may remove");
	ok(splices("ab", "cd", "abcd"), "splice moves all to the end");
	ok(splices("ab", "", "ab"), "nothing to splice");
	ok(splices("", "cd", "cd"), "splice into an empty list");
	return tap_end();
}
