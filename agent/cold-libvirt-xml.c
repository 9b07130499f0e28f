/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-libvirt-xml.h"

#include <libxml/parser.h>
#include <libxml/xpath.h>
#include <string.h>

/* libvirt's documents are small; entities and the network have no business in them. */
#define PARSE_OPTIONS (XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOBLANKS)

typedef struct
{
  xmlDoc *doc;
  xmlXPathContext *context;
} Document;

static void
document_clear (Document *document)
{
  xmlXPathFreeContext (document->context);
  xmlFreeDoc (document->doc);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Document, document_clear)

static gboolean
document_parse (Document *document, const char *xml)
{
  document->doc = xmlReadMemory (xml, strlen (xml), "libvirt.xml", NULL, PARSE_OPTIONS);
  document->context = document->doc != NULL ? xmlXPathNewContext (document->doc) : NULL;
  return document->context != NULL;
}

/* (transfer full) (nullable): the string value, %NULL when nothing matches */
static char *
get_string (const Document *document, xmlNode *node, const char *path)
{
  xmlXPathObject *object;
  char *text = NULL;

  document->context->node = node != NULL ? node : xmlDocGetRootElement (document->doc);
  object = xmlXPathEvalExpression ((const xmlChar *) path, document->context);
  if (object != NULL && object->nodesetval != NULL && object->nodesetval->nodeNr > 0)
    {
      xmlChar *content = xmlNodeGetContent (object->nodesetval->nodeTab[0]);

      text = g_strdup ((const char *) content);
      xmlFree (content);
    }
  xmlXPathFreeObject (object);
  return text;
}

static gboolean
has_node (const Document *document, xmlNode *node, const char *path)
{
  g_autofree char *text = get_string (document, node, path);

  return text != NULL;
}

static guint64
get_number (const Document *document, const char *path)
{
  g_autofree char *text = get_string (document, NULL, path);

  return text != NULL ? g_ascii_strtoull (text, NULL, 10) : 0;
}

static void
take (char **where, char *value)
{
  g_free (*where);
  *where = value;
}

gboolean
cold_libvirt_xml_read_volume (const char *xml, ColdVolumeInfo *info)
{
  g_auto (Document) document = { NULL, NULL };

  if (!document_parse (&document, xml))
    return FALSE;
  take (&info->type, get_string (&document, NULL, "@type"));
  take (&info->format, get_string (&document, NULL, "target/format/@type"));
  /* libvirt always answers in bytes here. */
  info->capacity = get_number (&document, "capacity");
  info->allocation = get_number (&document, "allocation");
  take (&info->backing_path, get_string (&document, NULL, "backingStore/path"));
  take (&info->backing_format, get_string (&document, NULL, "backingStore/format/@type"));
  return TRUE;
}

gboolean
cold_libvirt_xml_read_pool (const char *xml, ColdPoolInfo *info)
{
  g_auto (Document) document = { NULL, NULL };

  if (!document_parse (&document, xml))
    return FALSE;
  take (&info->type, get_string (&document, NULL, "@type"));
  take (&info->path, get_string (&document, NULL, "target/path"));
  return TRUE;
}

static char *
get_source (const Document *document, xmlNode *node)
{
  char *path = get_string (document, node, "source/@file");

  if (path == NULL)
    path = get_string (document, node, "source/@dev");
  if (path == NULL)
    path = get_string (document, node, "source/@dir");
  return path;
}

static void
read_chain (const Document *document, xmlNode *node, ColdDisk *disk)
{
  for (node = node->children; node != NULL; node = node->next)
    {
      ColdChainMember *member;

      if (node->type != XML_ELEMENT_NODE || strcmp ((const char *) node->name, "backingStore") != 0)
        continue;
      /* An empty element ends the chain. */
      if (!has_node (document, node, "source"))
        return;
      member = cold_chain_member_new ();
      member->path = get_source (document, node);
      member->format = get_string (document, node, "format/@type");
      g_ptr_array_add (disk->chain, member);
      read_chain (document, node, disk);
      return;
    }
}

static gboolean
is_known (const ColdDomainInfo *info, const ColdDisk *disk)
{
  for (guint i = 0; i < info->disks->len; i++)
    {
      const ColdDisk *other = g_ptr_array_index (info->disks, i);

      if (g_strcmp0 (other->target, disk->target) == 0 && g_strcmp0 (other->path, disk->path) == 0
          && g_strcmp0 (other->pool, disk->pool) == 0 && g_strcmp0 (other->volume, disk->volume) == 0)
        return TRUE;
    }
  return FALSE;
}

/* (transfer full): @disk */
static void
add_disk (ColdDomainInfo *info, ColdDisk *disk)
{
  if (is_known (info, disk))
    cold_disk_unref (disk);
  else
    g_ptr_array_add (info->disks, disk);
}

/* The image that a block job copies a disk to: open for writing as the disk itself is. */
static void
read_mirror (const Document *document, xmlNode *node, ColdDomainInfo *info)
{
  ColdDisk *disk = cold_disk_new ();

  disk->type = get_string (document, node, "@type");
  disk->device = g_strdup ("disk");
  disk->target = get_string (document, node, "../target/@dev");
  disk->format = get_string (document, node, "format/@type");
  disk->path = get_source (document, node);
  add_disk (info, disk);
}

/* libvirt puts a disk on a controller by numbers; guests have SCSI controllers of one model. */
static char *
get_bus (const Document *document, xmlNode *node)
{
  g_autofree char *bus = get_string (document, node, "target/@bus");
  g_autofree char *model = g_strcmp0 (bus, "scsi") == 0
                               ? get_string (document, node, "../controller[@type='scsi']/@model") : NULL;

  return model != NULL && g_str_has_prefix (model, "virtio") ? g_strdup ("virtio-scsi") : g_steal_pointer (&bus);
}

static void
read_disk (const Document *document, xmlNode *node, ColdDomainInfo *info)
{
  ColdDisk *disk = cold_disk_new ();

  disk->type = get_string (document, node, "@type");
  disk->device = get_string (document, node, "@device");
  if (disk->device == NULL)
    disk->device = g_strdup ("disk");
  disk->target = get_string (document, node, "target/@dev");
  disk->format = get_string (document, node, "driver/@type");
  disk->bus = get_bus (document, node);
  disk->pool = get_string (document, node, "source/@pool");
  disk->volume = get_string (document, node, "source/@volume");
  disk->path = disk->volume == NULL ? get_source (document, node) : NULL;
  disk->readonly = has_node (document, node, "readonly") || g_str_equal (disk->device, "cdrom");
  disk->shareable = has_node (document, node, "shareable");
  disk->transient = has_node (document, node, "transient");
  read_chain (document, node, disk);
  add_disk (info, disk);
}

gboolean
cold_libvirt_xml_read_domain (const char *xml, ColdDomainInfo *info)
{
  g_auto (Document) document = { NULL, NULL };
  xmlXPathObject *disks, *mirrors;

  if (!document_parse (&document, xml))
    return FALSE;
  take (&info->arch, get_string (&document, NULL, "os/type/@arch"));
  document.context->node = xmlDocGetRootElement (document.doc);
  disks = xmlXPathEvalExpression ((const xmlChar *) "devices/disk", document.context);
  for (int i = 0; disks != NULL && disks->nodesetval != NULL && i < disks->nodesetval->nodeNr; i++)
    read_disk (&document, disks->nodesetval->nodeTab[i], info);
  xmlXPathFreeObject (disks);
  document.context->node = xmlDocGetRootElement (document.doc);
  mirrors = xmlXPathEvalExpression ((const xmlChar *) "devices/disk/mirror[source]", document.context);
  for (int i = 0; mirrors != NULL && mirrors->nodesetval != NULL && i < mirrors->nodesetval->nodeNr; i++)
    read_mirror (&document, mirrors->nodesetval->nodeTab[i], info);
  xmlXPathFreeObject (mirrors);
  return TRUE;
}

gboolean
cold_libvirt_xml_read_snapshot (const char *xml, gboolean *memory, gboolean *external)
{
  g_auto (Document) document = { NULL, NULL };
  g_autofree char *kind = NULL;

  *memory = *external = FALSE;
  if (!document_parse (&document, xml))
    return FALSE;
  kind = get_string (&document, NULL, "memory/@snapshot");
  *memory = g_strcmp0 (kind, "internal") == 0 || g_strcmp0 (kind, "external") == 0;
  *external = g_strcmp0 (kind, "external") == 0 || has_node (&document, NULL, "disks/disk[@snapshot='external']");
  return TRUE;
}
