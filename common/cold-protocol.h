/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What agent and worker say to each other: newline-delimited JSON on the worker's stdin and stdout.
 *
 * The agent writes one request and closes stdin only when it gives up on the worker. The worker answers with any number
 * of progress lines and ends with exactly one result or one error line:
 *
 *   {"type":"progress","phase":"upgrading","fraction":0.25,"message":"Unpacking tzdata"}
 *   {"type":"result", ...}
 *   {"type":"error","code":"Guest","message":"..."}         code: a name of ColdError
 *   {"type":"error","code":"Blocked","blocker":"encrypted","message":"..."}
 *
 * Every line is UTF-8 of at most COLD_PROTOCOL_LINE_MAX bytes.
 *
 * Where things are inside the sandbox:
 *   /disks/N        image N of the guest (read-only for probe, inspect and verify)
 *   /disks/N.C      member C of image N's backing chain, C from 1 downwards; always read-only
 *   /bundle         the bundle, read-only (upgrade)
 *   /appliance      the fixed appliance
 *   /scratch        the worker's own folder, writable; results that are files are named relative to it
 *   /catalogue      the catalogue: writable for fetch, read-only for plan and bundle
 *   /manifests/ID   manifests, read-only (plan, bundle, verify)
 *   /keyrings/ID    keyring of the repository with that id (fetch; bundle where it has an unsigned database)
 *
 * A disk in a request, members of its chain being {"path","format"} from the top's direct backing file downwards:
 *   {"path":"/disks/0","format":"qcow2","chain":[{"path":"/disks/0.1","format":"raw"}]}
 *
 * Verbs, request -> result:
 *
 * probe    {"verb","disks":[disk]}
 *       -> {"disks":[{"path","format","virtual-size":n,"backing-file":s?,"backing-format":s?,"dirty":b,"corrupt":b,
 *                     "data-file":b,"encrypted":b,"snapshots":n,"memory-snapshots":n,"bitmaps":n}]}
 *          Headers only, no member of the chain is opened. A header that cannot be read as that format gives
 *          {"path","format","corrupt":true,"error":s} for this disk, and the other disks are probed all the same.
 *
 * launch   {"verb","accelerator"}
 *       -> {"milliseconds":n}
 *          Starts the appliance with an empty disk, and ends it: whether it really comes up with that accelerator.
 *
 * inspect  {"verb","accelerator":"kvm"|"tcg","disks":[disk]}
 *       -> facts: {"roots":n,"os":"linux","distribution":"debian","version":"12","major":12,"minor":0,
 *                  "arch":"x86_64","product":s,"hostname":s,"package-format":"deb","package-manager":"apt",
 *                  "mountpoints":[[where,device]],"packages":[[name,version,arch,source]],
 *                  "manifest":"manifest.json","manifest-id":"<sha256 of that file>",
 *                  "sources":[source],"foreign":[s]?,"blockers":[{"code","detail"}]}
 *          No operating system, several, encrypted, hibernated, dirty file system, unsupported ones: a result with the
 *          blocker, not an error; fields that could not be found out are absent. "sources" are the repositories that the
 *          guest's own package manager is configured with, at most 32: hostile input. "foreign" are the architectures beside the
 *          guest's own, in dpkg's words, of which something is installed.
 *          source: {"uri","mirrors":[uri]?}, of deb with "suite","components":[s],"architectures":[s]?, of arch with "suite",
 *                  of apk with nothing else, of rpm-md with "list":"mirrorlist"|"metalink"?,"priority":n?,"excludes":[s]?,
 *                  "includes":[s]?
 *
 * The manifest is one JSON file, the same bytes for the same packages and package policy whatever the guest's name:
 *   {"version":1,"format":"deb","distribution":"debian","release":"12","arch":"x86_64",
 *    "native":"amd64","foreign":["i386"],
 *    "status":"<dpkg status stanzas of installed packages, sorted by package and arch, only the fields that solving
 *              needs>","held":["name:arch"],"auto":["name:arch"],"preferences":[{"file","text"}],
 *    "default-release":s?,"phased":b?,"broken":["name:arch state"]}
 * and of guests without dpkg, packages sorted by name, arch and evr, dependencies as the tool prints them
 * ("name >= 1:2-3" of rpm, "glibc>=2.36" of pacman, whose replaces are the obsoletes):
 *   {"version":1,"format":"rpm"|"pacman"|"apk","manager":"dnf"|"yum"|"zypper"|"pacman"|"apk","distribution","release","arch",
 *    "installed":[{"name","evr","arch","vendor":s?,"module":s?,"provides":[s],"requires":[s],"conflicts":[s],"obsoletes":[s],
 *      "recommends":[s]?,"suggests":[s]?}],
 *    "held":[s],"excludes":[s],"broken":[s],
 *    "repositories":[{"id","uris":[s],"priority":n?,"excludes":[s]?,"includes":[s]?,"module-hotfixes":b?}]?}
 *          rpm: "repositories" only where one of them is restricted; "multiversion":[s]? is what is installed beside its
 *          older versions, "NAME" or "provides:NAME"; dnf: "includes":[s]? are all that is taken, "obsoletes":b? whether a
 *          package may take another one's place, "best":b? whether nothing is upgraded that cannot get to its newest version,
 *          "held" are versionlock's patterns ("=NAME" for the installed version, "!" before what is excluded); zypper:
 *          "vendors":[[s]], which are one in each group; "allow-vendor-change":b?.
 *          rpm with dnf: "module" of a package is the "module:stream:version:context" that it was built in, and
 *          "modules":{"platform":s?,"enabled":["module:stream"]?,"disabled":["module"]?} is what dnf has enabled, or
 *          {"unknown":s}, which says what keeps that from being known.
 *          pacman: "held" are IgnorePkg's patterns, and IgnoreGroup's as "group:<pattern>"; "unused":[s]? are the names of
 *          databases that Usage= keeps from upgrading.
 *          apk: "requires" has conflicts too ("!name"), and there are neither "conflicts" nor "obsoletes"; "held" are packages
 *          that came from a repository with a tag; and "world":[s] is /etc/apk/world, sorted, "apk-arch" apk's word for the
 *          architecture.
 *
 * fetch    {"verb","what":"metadata","repositories":[repository],"allow-hosts":[pattern]}
 *       -> {"repositories":[{"id","ok":b,"changed":b,"generation":"<sha256>","packages":n,"error":s?,"code":s?}]}
 *          {"verb","what":"packages","files":[{"sha256","size","repository","path","identity":s?}],"repositories":[repository],
 *           "allow-hosts":[pattern],"cache-max":bytes}
 *       -> {"fetched":n,"cached":n,"bytes":n}
 *          repository: {"id","type":"deb","uri","suites":[s],"components":[s],"architectures":["amd64","i386"],
 *                       "signed-by":"/keyrings/ID","security":b,"unsigned-database":b,"from-guest":b,
 *                       "list":"mirrorlist"|"metalink"?,"priority":n?,"excludes":[pattern]?,"includes":[pattern]?,"module-hotfixes":b?}
 *          "architectures": the guests' own one, and for deb those of which some have packages beside it: they are fetched where
 *          the repository has them, and planned with where a guest's manifest has them. One that failed is the "error" of a
 *          repository that is "ok" otherwise, and without it.
 *          With "list" the URI is that of a document which names the repository's places.
 *          From a guest, with an id of COLD_GUEST_REPOSITORY_PREFIX: fetched from hosts of "allow-hosts" only. Whatever the
 *          repository: addresses of this host and of private networks only for hosts that the admin named, in its URI or
 *          literally in "allow-hosts". Guests' repositories that the metadata is not asked of are removed from the catalogue.
 *
 * plan     {"verb","plans":[{"manifest":"/manifests/ID","security-only":b,"exclude":[name]}],"repositories":[repository]}
 *       -> {"plans":[{"index":n,"plan":plan}|{"index":n,"error":s,"code":s}]}
 *          The repositories are of one type and architecture. The answers come in any order; guests for which there was neither
 *          time nor room in one line are left out, though never all, and are asked for again.
 *          plan: {"packages":[{"name","arch","installed":s,"candidate":s,"origin":s,"repository":id,"security":b,
 *                  "size":bytes,"sha256","path","identity":s?,"replaces":[name]?}],"download-size":n,"held":[name],"kept-back":[name],
 *                "problems":[s]}
 *          Of deb, names in "held" and "kept-back" are as apt shows them: "name:arch" where that is not the guest's own.
 *          "installed" is "" for a new dependency and for what is installed beside its older versions. Removals never
 *          appear, but for packages of other names that a package obsoletes ("replaces"): what would need one is kept back.
 *          "identity" is of apk, whose indexes have no SHA-256 of package files, but one thing that stands for all that is in
 *          one (worker/cold-apk-archive.h); "sha256" is then that of identity and size, by which the file is known.
 *
 * bundle   {"verb","plan":plan,"manifest":"/manifests/ID","repositories":[repository]}
 *       -> {"bundle":"bundle.iso","bytes":n}
 *          ISO 9660 with Rock Ridge names. For apt it holds:
 *            /bundle.json      {"version":1,"manager":"apt","packages":[{"name","version","arch","file":"debs/...","sha256"}]}
 *            /debs/            the planned packages, named as in apt's archives folder (':' is %3a)
 *            /sources.list     one deb line for each suite that has a planned package; a repository of files shows as
 *                              http://coldpatch.invalid/<repository id>, since apt does without downloading only there
 *            /lists/           for apt's lists folder, under the names that fit these lines: each suite's InRelease as it
 *                              was published, and Packages with what is planned and, where it is listed, what that replaces
 *          For pacman:
 *            /bundle.json      as above, files are below pkgs/
 *            /pkgs/            the planned packages under their names in the repository
 *            /coldpatch.db     a database of pacman with nothing but what is planned
 *          For apk:
 *            /bundle.json      as above, files are below apks/
 *            /apks/            the planned packages under their names in the repository
 *            /APKINDEX.tar.gz  an index with nothing but what is planned, without signature
 *          NotFound: a refresh took a planned version away; plan again.
 *
 * upgrade  {"verb","accelerator","disks":[disk],"bundle":"/bundle","plan":plan,"package-manager","mountpoints"}
 *          The last two as inspect found them in the same content.
 *       -> {"log":"upgrade.log","deferred":[what scripts wanted to start or restart],"kept-config":[path],
 *           "replaced-config":[path],"kernel-changed":b,"changed-files":n,"unattributed":[path],"restored":[path],
 *           "failed-scripts":[line],"boot-before":boot,"initramfs-before":{path:initramfs}}
 *          "kept-config" are the guest's own configuration files beside which a packaged version was put, "replaced-config"
 *          those that the packaged version took the place of, the guest's own being beside it now.
 *          "unattributed" are changed paths that neither belong to a package nor to what packages generate; "restored" are
 *          files that make a guest itself (machine-id and the like), which a script changed and which are as before again;
 *          "failed-scripts" is what rpm says of scripts of packages that it installed all the same. Lists end after 1000.
 *          What "...-before" says was looked at before anything of the guest ran, and is for verify.
 *          boot: {"kernels":n,"menus":n,"missing":[sentence],"options":[word],"root":"root=UUID=..."?}
 *          initramfs: {"stamp":s,"version":s?,"drivers":[name],"systems":[name],"error":s?}
 *
 * verify   {"verb","accelerator","disks":[disk],"plan":plan,"manifest":"/manifests/ID","boot-before":boot}
 *          The manifest is that of the content before the upgrade.
 *       -> facts as of inspect, and "checks":[{"name","ok":b,"detail"}],"differences":[sentence],"ok":b
 *          "differences" are where plan and guest differ without harm.
 */
#pragma once

#define COLD_PROTOCOL_LINE_MAX (16 * 1024 * 1024)

/* Begins the ids of guests' repositories, and of no others. */
#define COLD_GUEST_REPOSITORY_PREFIX "guest-"

#define COLD_VERB_PROBE "probe"
#define COLD_VERB_LAUNCH "launch"
#define COLD_VERB_INSPECT "inspect"
#define COLD_VERB_FETCH "fetch"
#define COLD_VERB_PLAN "plan"
#define COLD_VERB_BUNDLE "bundle"
#define COLD_VERB_UPGRADE "upgrade"
#define COLD_VERB_VERIFY "verify"
