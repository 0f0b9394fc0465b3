"""The texts of the pages in each of their languages."""

from __future__ import annotations

import unicodedata
from typing import Final

LANGUAGES: Final = ("en", "de", "fr", "es")
_ROWS: Final = {
    "title": ("Medical images", "Medizinische Bilder", "Images médicales", "Imágenes médicas"),
    "patients": ("Patients", "Patienten", "Patients", "Pacientes"),
    "name": ("Name", "Name", "Nom", "Nombre"),
    "patient_id": ("Patient ID", "Patienten-ID", "Identifiant du patient", "Identificación del paciente"),
    "birth_date": ("Date of birth", "Geburtsdatum", "Date de naissance", "Fecha de nacimiento"),
    "sex": ("Sex", "Geschlecht", "Sexe", "Sexo"),
    "M": ("male", "männlich", "masculin", "masculino"),
    "F": ("female", "weiblich", "féminin", "femenino"),
    "O": ("other", "anderes", "autre", "otro"),
    "studies": ("Examinations", "Untersuchungen", "Examens", "Exploraciones"),
    "study": ("Examination", "Untersuchung", "Examen", "Exploración"),
    "date": ("Date", "Datum", "Date", "Fecha"),
    "no_date": ("no date", "ohne Datum", "sans date", "sin fecha"),
    "series": ("Series", "Serien", "Séries", "Series"),
    "a_series": ("Series", "Serie", "Série", "Serie"),
    "one_series": ("1 series", "1 Serie", "1 série", "1 serie"),
    "many_series": ("{count} series", "{count} Serien", "{count} séries", "{count} series"),
    "one_image": ("1 picture", "1 Bild", "1 image", "1 imagen"),
    "many_image": ("{count} pictures", "{count} Bilder", "{count} images", "{count} imágenes"),
    "one_object": ("1 object", "1 Objekt", "1 objet", "1 objeto"),
    "many_object": ("{count} objects", "{count} Objekte", "{count} objets", "{count} objetos"),
    "institution": ("Institution", "Einrichtung", "Établissement", "Institución"),
    "contact": ("Contact", "Kontakt", "Contact", "Contacto"),
    "created": ("Disc made on", "Datenträger erstellt am", "Disque créé le", "Disco creado el"),
    "content": ("Content", "Inhalt", "Contenu", "Contenido"),
    "back": ("Back to the overview", "Zurück zur Übersicht", "Retour à la vue d'ensemble", "Volver al resumen"),
    "back_to_study": (
        "Back to the examination",
        "Zurück zur Untersuchung",
        "Retour à l'examen",
        "Volver a la exploración",
    ),
    "image_of": (
        "Picture {number} of {count}",
        "Bild {number} von {count}",
        "Image {number} sur {count}",
        "Imagen {number} de {count}",
    ),
    "frame_of": (
        "frame {number} of {count}",
        "Einzelbild {number} von {count}",
        "vue {number} sur {count}",
        "cuadro {number} de {count}",
    ),
    "position": ("position {value} mm", "Position {value} mm", "position {value} mm", "posición {value} mm"),
    "window": (
        "window {width}, centre {centre}",
        "Fenster {width}, Mitte {centre}",
        "fenêtre {width}, centre {centre}",
        "ventana {width}, centro {centre}",
    ),
    "some_only": (
        "{shown} of {count} pictures are shown here, evenly chosen. A DICOM viewer shows all of them.",
        "Hier sind {shown} von {count} Bildern zu sehen, gleichmäßig ausgewählt. Ein DICOM-Programm zeigt alle.",
        "{shown} images sur {count} sont affichées ici, choisies à intervalles réguliers. Un logiciel DICOM les affiche toutes.",
        "Aquí se muestran {shown} de {count} imágenes, elegidas a intervalos regulares. Un programa DICOM las muestra todas.",
    ),
    "no_picture": ("No picture", "Kein Bild", "Pas d'image", "Sin imagen"),
    "kind": (
        "This kind of object has no picture.",
        "Zu dieser Art von Objekt gibt es kein Bild.",
        "Ce type d'objet n'a pas d'image.",
        "Este tipo de objeto no tiene imagen.",
    ),
    "failed": (
        "It cannot be shown here. For technical support:",
        "Es kann hier nicht gezeigt werden. Für den technischen Dienst:",
        "Elle ne peut pas être affichée ici. Pour le support technique :",
        "No se puede mostrar aquí. Para el soporte técnico:",
    ),
    "cut_off": (
        "the file ends early: part of the picture is missing",
        "die Datei endet zu früh: ein Teil des Bildes fehlt",
        "le fichier est incomplet : une partie de l'image manque",
        "el archivo está incompleto: falta una parte de la imagen",
    ),
    "not_diagnostic": (
        "Not for diagnosis. These pictures are reduced in quality. A DICOM viewer shows the images as they were taken.",
        "Nicht zur Befundung geeignet. Diese Bilder haben eine verringerte Qualität. Ein DICOM-Programm zeigt die Originalbilder.",
        "Ne pas utiliser pour le diagnostic. La qualité de ces images est réduite. Un logiciel DICOM affiche les images d'origine.",
        "No apto para el diagnóstico. Estas imágenes tienen una calidad reducida. Un programa DICOM muestra las imágenes originales.",
    ),
    "report": ("Report", "Befund", "Compte rendu", "Informe"),
    "open_report": ("Read the report", "Befund lesen", "Lire le compte rendu", "Leer el informe"),
    "open_document": (
        "Open the document (PDF)",
        "Dokument öffnen (PDF)",
        "Ouvrir le document (PDF)",
        "Abrir el documento (PDF)",
    ),
    "document": ("Document", "Dokument", "Document", "Documento"),
    "unknown": ("unknown", "unbekannt", "inconnu", "desconocido"),
    "browse": ("Browse the series", "Serie durchblättern", "Parcourir la série", "Recorrer la serie"),
    "browse_help": (
        "Mouse wheel, arrow keys, Page Up and Page Down, or a finger on the picture.",
        "Mausrad, Pfeiltasten, Bild auf und Bild ab, oder mit dem Finger über das Bild streichen.",
        "Molette de la souris, flèches, page précédente et page suivante, ou un doigt sur l'image.",
        "Rueda del ratón, flechas, Re Pág y Av Pág, o un dedo sobre la imagen.",
    ),
    "empty": (
        "There are no images on this disc.",
        "Auf diesem Datenträger sind keine Bilder.",
        "Ce disque ne contient aucune image.",
        "No hay imágenes en este disco.",
    ),
    "readme": (
        "About this disc (README.TXT)",
        "Über diesen Datenträger (README.TXT)",
        "À propos de ce disque (README.TXT)",
        "Acerca de este disco (README.TXT)",
    ),
    "R": ("right", "rechts", "droite", "derecha"),
    "L": ("left", "links", "gauche", "izquierda"),
    "A": ("front", "vorn", "avant", "delante"),
    "P": ("back", "hinten", "arrière", "detrás"),
    "H": ("head", "Kopf", "tête", "cabeza"),
    "F_": ("feet", "Füße", "pieds", "pies"),
    "readme_title": (
        "MEDICAL IMAGES ON THIS DISC",
        "MEDIZINISCHE BILDER AUF DIESEM DATENTRÄGER",
        "IMAGES MÉDICALES SUR CE DISQUE",
        "IMÁGENES MÉDICAS EN ESTE DISCO",
    ),
    "readme_who": ("Made by", "Erstellt von", "Créé par", "Creado por"),
    "readme_program": ("Made with", "Erstellt mit", "Créé avec", "Creado con"),
    "readme_date": ("Date", "Datum", "Date", "Fecha"),
    "readme_what": (
        "What is on this disc",
        "Was auf diesem Datenträger ist",
        "Contenu de ce disque",
        "Qué hay en este disco",
    ),
    "readme_index": (
        "INDEX.HTM - pictures and reports for a web browser. Open it with a double click.",
        "INDEX.HTM - Bilder und Befunde für einen Webbrowser. Mit einem Doppelklick öffnen.",
        "INDEX.HTM - images et comptes rendus pour un navigateur. Ouvrez-le d'un double clic.",
        "INDEX.HTM - imágenes e informes para un navegador. Ábralo con un doble clic.",
    ),
    "readme_pdi": (
        "IHE_PDI - the pages and pictures that INDEX.HTM shows.",
        "IHE_PDI - die Seiten und Bilder, die INDEX.HTM zeigt.",
        "IHE_PDI - les pages et les images que INDEX.HTM affiche.",
        "IHE_PDI - las páginas y las imágenes que INDEX.HTM muestra.",
    ),
    "readme_dicomdir": (
        "DICOMDIR - the list of all DICOM files, for DICOM viewers and archives.",
        "DICOMDIR - das Verzeichnis aller DICOM-Dateien, für DICOM-Programme und Archive.",
        "DICOMDIR - la liste de tous les fichiers DICOM, pour les logiciels et archives DICOM.",
        "DICOMDIR - la lista de todos los archivos DICOM, para programas y archivos DICOM.",
    ),
    "readme_dicom": (
        "All other folders hold DICOM files: the images as they were taken.",
        "Alle anderen Ordner enthalten DICOM-Dateien: die Originalbilder.",
        "Tous les autres dossiers contiennent des fichiers DICOM : les images d'origine.",
        "Las demás carpetas contienen archivos DICOM: las imágenes originales.",
    ),
    "readme_how": (
        "How to look at the images",
        "Wie Sie die Bilder ansehen",
        "Comment regarder les images",
        "Cómo ver las imágenes",
    ),
    "readme_browser": (
        "Without a DICOM viewer: open INDEX.HTM in a web browser. Nothing is installed and no connection to the internet is needed.",
        "Ohne DICOM-Programm: Öffnen Sie INDEX.HTM in einem Webbrowser. Es wird nichts installiert, und es ist keine Verbindung zum Internet nötig.",
        "Sans logiciel DICOM : ouvrez INDEX.HTM dans un navigateur. Rien n'est installé et aucune connexion à internet n'est nécessaire.",
        "Sin un programa DICOM: abra INDEX.HTM en un navegador. No se instala nada y no se necesita conexión a internet.",
    ),
    "readme_viewer": (
        "With a DICOM viewer: open the disc, or the file DICOMDIR on it.",
        "Mit einem DICOM-Programm: Öffnen Sie den Datenträger oder die Datei DICOMDIR darauf.",
        "Avec un logiciel DICOM : ouvrez le disque, ou le fichier DICOMDIR qui s'y trouve.",
        "Con un programa DICOM: abra el disco, o el archivo DICOMDIR que contiene.",
    ),
    "readme_notice": ("Please note", "Bitte beachten", "À noter", "Tenga en cuenta"),
    "readme_privacy": (
        "This disc holds personal health information. Keep it safe.",
        "Dieser Datenträger enthält persönliche Gesundheitsdaten. Bewahren Sie ihn sicher auf.",
        "Ce disque contient des données de santé personnelles. Gardez-le en lieu sûr.",
        "Este disco contiene datos personales de salud. Guárdelo en un lugar seguro.",
    ),
}  # fmt: skip
"""Name of a text -> the text in each language."""

TEXTS: Final = {language: {name: texts[at] for name, texts in _ROWS.items()} for at, language in enumerate(LANGUAGES)}
"""Language (ISO 639-1) -> name of a text -> the text."""

_ASCII: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"})


def plain_ascii(text: str) -> str:
    """Convert a text to ASCII: umlauts become two letters, other letters lose their accents, the rest becomes "?"."""
    decomposed = unicodedata.normalize("NFKD", text.translate(_ASCII))
    letters = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return letters.encode("ascii", "replace").decode("ascii")
