//! A program or library that the dynamic linker has loaded (ELF: see `elf(5)` and `dl_iterate_phdr(3)`).

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

// Tags of entries in the dynamic section.
const PLTRELSZ: usize = 2;
const STRTAB: usize = 5;
const SYMTAB: usize = 6;
const RELA: usize = 7;
const RELASZ: usize = 8;
const JMPREL: usize = 23;

/// An entry of the dynamic section.
#[repr(C)]
struct Entry {
    tag: usize,
    value: usize,
}

/// An entry of a table of relocations: the linker writes the address of a symbol to `address`.
#[repr(C)]
struct Relocation {
    address: usize,
    /// The symbol's number in the upper half.
    info: u64,
    addend: i64,
}

/// A program or library in memory.
pub struct LoadedModule {
    /// The number that is added to the addresses in the file.
    base: usize,
    segments: Vec<libc::Elf64_Phdr>,
}

/// The word through which a module calls a function of another one.
pub struct ImportSlot {
    address: usize,
    /// Whether the dynamic linker has made the slot read-only after filling it in.
    is_read_only: bool,
}

/// Returns the address of a symbol in the global scope.
pub fn address_of(name: &CStr) -> Option<usize> {
    // SAFETY: the name ends with a zero.
    let address = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    (!address.is_null()).then_some(address as usize)
}

impl LoadedModule {
    /// Finds the module that the address belongs to.
    pub fn at(address: usize) -> Option<Self> {
        struct Wanted {
            address: usize,
            module: Option<LoadedModule>,
        }

        unsafe extern "C" fn visit(
            info: *mut libc::dl_phdr_info,
            _size: usize,
            wanted: *mut c_void,
        ) -> c_int {
            // SAFETY: the dynamic linker passes a valid description, which is copied. The other pointer is to the variable
            // `wanted` below.
            let (module, wanted) = unsafe {
                let (info, wanted) = (&*info, &mut *wanted.cast::<Wanted>());
                let segments =
                    std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum));
                let module = LoadedModule {
                    base: usize::try_from(info.dlpi_addr).unwrap_or(0),
                    segments: segments.to_vec(),
                };
                (module, wanted)
            };
            if module
                .segments(libc::PT_LOAD)
                .any(|segment| segment.contains(&wanted.address))
            {
                wanted.module = Some(module);
                return 1;
            }
            0
        }

        let mut wanted = Wanted {
            address,
            module: None,
        };
        // SAFETY: `visit` is called with the pointer only during this call.
        unsafe { libc::dl_iterate_phdr(Some(visit), (&raw mut wanted).cast()) };
        wanted.module
    }

    /// Returns the addresses from the first segment to the last.
    pub fn extent(&self) -> Range<usize> {
        let segments = || self.segments(libc::PT_LOAD);
        let start = segments().map(|segment| segment.start).min();
        let end = segments().map(|segment| segment.end).max();
        start.unwrap_or(0)..end.unwrap_or(0)
    }

    fn segments(&self, kind: u32) -> impl Iterator<Item = Range<usize>> {
        self.segments
            .iter()
            .filter(move |segment| segment.p_type == kind)
            .filter_map(|segment| {
                let start = self.base + usize::try_from(segment.p_vaddr).ok()?;
                Some(start..start + usize::try_from(segment.p_memsz).ok()?)
            })
    }

    /// Returns the value of an entry of the dynamic section.
    fn dynamic(&self, tag: usize) -> Option<usize> {
        let section = self.segments(libc::PT_DYNAMIC).next()?;
        let count = section.len() / size_of::<Entry>();
        // SAFETY: the dynamic section of a loaded module is an array of such entries, and stays mapped.
        let entries = unsafe { std::slice::from_raw_parts(section.start as *const Entry, count) };
        entries
            .iter()
            .take_while(|entry| entry.tag != 0)
            .find(|entry| entry.tag == tag)
            .map(|entry| entry.value)
    }

    /// Returns the address of the table that an entry of the dynamic section names. On most machines the GNU C library has
    /// replaced the address in the file by the one in memory.
    fn table(&self, tag: usize) -> Option<usize> {
        let address = self.dynamic(tag)?;
        let extent = self.extent();
        [address, self.base + address]
            .into_iter()
            .find(|address| extent.contains(address))
    }

    /// Finds the slot through which this module calls the function `name` of another one.
    pub fn import_slot(&self, name: &CStr) -> Option<ImportSlot> {
        let symbols = self.table(SYMTAB)? as *const libc::Elf64_Sym;
        let names = self.table(STRTAB)? as *const c_char;
        let is_wanted = |relocation: &Relocation| {
            let symbol = usize::try_from(relocation.info >> 32).unwrap_or(0);
            // SAFETY: a relocation has the number of a symbol in the module's table, which has the offset of the symbol's
            // name in the table of names. The name ends with a zero.
            symbol != 0
                && unsafe { CStr::from_ptr(names.add((*symbols.add(symbol)).st_name as usize)) }
                    == name
        };
        let relocation = [(JMPREL, PLTRELSZ), (RELA, RELASZ)]
            .into_iter()
            .filter_map(|(table, size)| {
                let count = self.dynamic(size)? / size_of::<Relocation>();
                // SAFETY: the dynamic section has the address of the table of relocations and its size in bytes.
                Some(unsafe {
                    std::slice::from_raw_parts(self.table(table)? as *const Relocation, count)
                })
            })
            .flatten()
            .find(|relocation| is_wanted(relocation))?;
        let address = self.base + relocation.address;
        Some(ImportSlot {
            address,
            is_read_only: self
                .segments(libc::PT_GNU_RELRO)
                .any(|segment| segment.contains(&address)),
        })
    }
}

impl ImportSlot {
    /// Makes the module call another function. Returns `None` if the slot cannot be written.
    ///
    /// # Safety
    /// The address is that of a function of the same type that does what the callers expect.
    pub unsafe fn set(&self, function: usize) -> Option<()> {
        let page_size = rustix::param::page_size();
        let page = (self.address & !(page_size - 1)) as *mut c_void;
        // SAFETY: the slot is an aligned word in memory of the module, which stays mapped. Other threads may read it at any
        // time, as a whole. The page gets the protection back that the dynamic linker has given it.
        unsafe {
            if self.is_read_only
                && libc::mprotect(page, page_size, libc::PROT_READ | libc::PROT_WRITE) != 0
            {
                return None;
            }
            AtomicUsize::from_ptr(self.address as *mut usize).store(function, SeqCst);
            if self.is_read_only {
                libc::mprotect(page, page_size, libc::PROT_READ);
            }
        }
        Some(())
    }
}
