/*
 * An image whose layers come without compression, as engines and `docker save` keep them: their
 * diff IDs are known, but not yet what blobs they become. That is decided layer by layer: one whose
 * blob the registry is known to hold is adopted and never compressed, the others are packed in the
 * order in which the source yields them. Once all are decided the image is settled: it has a
 * manifest.
 *
 *	open -> adopt any number of layers -> pack_next until the end -> settle
 *	     -> or take the manifest under which a registry has the whole image
 *
 * It knows no registry. What is adopted or taken has no bytes here; when it turns out not to be
 * there, reopen forgets it, and it is packed after all.
 */
#ifndef IMAGE_PENDING_H
#define IMAGE_PENDING_H

#include "base/strings.h"
#include "image/compress.h"
#include "image/content.h"
#include "image/image.h"
#include "image/layer.h"

enum layer_state {
	LAYER_OPEN,
	LAYER_ADOPTED,
	LAYER_PACKED,
};

struct pending_layer {
	struct digest diff_id;
	enum layer_state state;
	struct descriptor blob; /* unless it is open */
};

struct pending;

/* What a source does. */
struct pending_ops {
	/* See pending_pack_next. Sets a layer's state and blob by pending_packed. */
	bool (*pack_next)(struct pending *p, const struct world *w, size_t *ret_layer,
			  bool *ret_end, struct err *err);
	/* The bytes of a blob that the source has packed or has as it is. */
	bool (*open)(struct pending *p, const struct digest *d, struct stream **ret,
		     struct err *err);
	/* CONTENT_ABSENT for what is neither config nor layer and not there. */
	bool (*size)(struct pending *p, const struct digest *d, int64_t *ret_size_bytes,
		     struct err *err);
	/* May be NULL. See pending_origins. */
	bool (*origins)(struct pending *p, const struct world *w, struct strings *ret,
			struct err *err);
	/* Of what the source has added to it. */
	void (*clear)(struct pending *p);
};

struct pending {
	struct content content; /* first: this is what the image reads from */
	const struct pending_ops *ops;
	struct digest id;	      /* of the config, or what an engine calls the image instead */
	struct platform platform;     /* all NULL when nobody says */
	struct image_options options; /* what the image is opened with: borrowed */
	struct compression compression;
	struct pending_layer *layers; /* each diff ID once, in the order of first use */
	size_t layer_count;
	size_t *order; /* of the layers in the image, as indexes into layers */
	size_t order_count;

	/* private */
	struct monitor *monitor; /* around states, config and what the source shares */
	const struct world *world;
	struct sched *sched;
	struct compressor *compressor; /* NULL: nothing was packed yet */
	struct temp_budget budget;
	char *tmp_dir;
	char *config_bytes; /* NULL: not known yet */
	struct descriptor config;
	struct manifest **retired; /* roots of before: somebody may still speak of them */
	size_t retired_count;
};

/* NULL: the image is as it is, nothing is to be decided. */
static inline struct pending *image_pending(const struct image *i)
{
	return i->pending;
}

/* Whether it has a manifest. */
static inline bool image_is_settled(const struct image *i)
{
	return i->manifest_count > 0;
}

/* Whether BLOB is a layer, all of which is in the registry, with the compression that was asked for. */
bool pending_accepts(const struct pending *p, const struct descriptor *blob);

/* LAYER, which is open, is the blob BLOB. */
void pending_adopt(struct image *i, size_t layer, const struct descriptor *blob);

/* How many layers are open. */
size_t pending_open_count(struct image *i);

/* Whether the config's bytes are there. Else a pass to pack_next's end brings them. */
bool pending_has_config(struct image *i);

/* The config as a blob, where it is known; the caller clears *ret. */
bool pending_config(struct image *i, struct descriptor *ret);

/* BYTES are the config's if their hash is the image's ID and they name its layers: true. They are copied. */
bool pending_offer_config(struct image *i, const char *bytes, size_t len);

/*
 * Packs an open layer, whichever comes next; *ret_end when none is left and the config is known.
 * May be called from many threads, each gets another layer. Told as BLOB_STAGE_PACKING of the diff
 * ID. ERR_CORRUPT for a source that is cut short or is not what it says, ERR_LOCAL when the disk is
 * full.
 */
MUST_USE bool pending_pack_next(const struct world *w, struct image *i, size_t *ret_layer,
				bool *ret_end, struct err *err);

/*
 * Gives the image its manifest and blobs. All layers are decided. ERR_CORRUPT also when the config names other layers
 * than the source has told.
 */
MUST_USE bool pending_settle(const struct world *w, struct image *i, struct err *err);

/*
 * A registry has this very image under M, which is copied: M becomes its manifest. Of an index the
 * blobs are not listed.
 */
MUST_USE bool pending_take(struct image *i, const struct manifest *m, struct err *err);

/* Nothing is adopted or taken any more; what was packed stays. */
void pending_reopen(struct image *i);

/*
 * Where images that this one is made of were pulled from, nearest first: references with a digest.
 * None where the source cannot tell.
 */
MUST_USE bool pending_origins(const struct world *w, struct image *i, struct strings *ret,
			      struct err *err);

/* For sources */

/*
 * Empty, with DIFF_IDS' layers open. ID and platform are the source's to set. W and what OPTIONS
 * point to must outlive it.
 */
void pending_init(struct pending *p, const struct pending_ops *ops, const struct world *w,
		  const struct image_options *options, const struct digest *diff_ids, size_t count);

/* What layers are packed with. Lives as long as P. */
MUST_USE bool pending_means(struct pending *p, struct layer_means *ret, struct err *err);

/* The layer with that diff ID; layer_count when there is none. */
size_t pending_find(const struct pending *p, const struct digest *diff_id);

/* The layer that was packed into that blob; layer_count when there is none. */
size_t pending_find_packed(struct pending *p, const struct digest *blob);

enum layer_state pending_state(struct pending *p, size_t layer);

/* BLOB is copied. False when somebody has adopted the layer meanwhile. */
bool pending_packed(struct pending *p, size_t layer, const struct descriptor *blob);

/* The config's bytes, copied, without a look at their hash. */
void pending_set_config(struct pending *p, const char *bytes, size_t len);

#endif
